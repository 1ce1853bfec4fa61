// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "input/passphrase.h"
#include "keys/identity_file.h"

namespace coffer {
namespace {

class IdentityNew final : public Command {
  public:
    IdentityNew() : Command("identity new", "Make an identity file, under a passphrase or in the clear") {}

    void add_options(OptionSet& options) override {
        options.add("FILE", file_, "The file to make; nothing is ever replaced").required();
        options.add_flag("--no-passphrase", clear_,
                         "Leave the key in the clear (mode 0400): for hosts and scripts");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto identity, Identity::generate());
        COFFER_TRY(auto text, encode(identity, common));
        COFFER_CHECK(save_identity(file_, text));
        const Recipient& recipient = identity.recipient();
        out.fields(
            {{"identity", file_}, {"recipient", recipient.text()}, {"fingerprint", recipient.id().hex()}});
        out.document({{"file", file_}, {"recipient", recipient.text()}, {"id", recipient.id().hex()}});
        return {};
    }

  private:
    [[nodiscard]] Result<SecretBuffer> encode(const Identity& identity, const CommonOptions& common) const {
        if (clear_) return encode_identity(identity);
        COFFER_TRY(auto passphrase, new_passphrase(common.passphrase_file, file_));
        return encode_identity(identity, passphrase.view());
    }

    std::string file_;
    bool clear_ = false;
};

}  // namespace

std::unique_ptr<Command> make_identity_new() {
    return std::make_unique<IdentityNew>();
}

}  // namespace coffer
