// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "base/descriptor.h"
#include "command.h"
#include "host/host_service.h"
#include "host/new_files.h"
#include "host/sealed_credential.h"
#include "input/prompt.h"
#include "keys/identity_file.h"
#include "names/name.h"
#include "session.h"

namespace coffer {
namespace {

class HostSealIdentity final : public Command {
  public:
    HostSealIdentity()
        : Command("host seal-identity",
                  "Put this host's identity into an encrypted credential of systemd's") {}

    void add_options(OptionSet& options) override {
        options.add("IN", in_, "The identity; left out: host_identity of the configuration");
        options.add("OUT", out_file_, "The credential").shows_default();
        options.add("--key", key_, "host, tpm2, host+tpm2, or auto: what this host has")
            .type_name("KEY")
            .shows_default();
        options.add_flag("--remove-plain", remove_plain_, "Remove the identity file afterwards; asks first");
        options.add_flag("-y,--yes", yes_, "Do not ask");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_CHECK(check_credential_key(key_));
        COFFER_TRY(auto in, identity_file(common));
        COFFER_TRY(auto identity, load_identity(in, [&]() -> Result<SecretBuffer> {
                       return fail(Code::not_allowed, in.native(),
                                   " is under a passphrase, which nobody types when cofferd starts; make the "
                                   "host an identity without");
                   }));
        // A unit takes a name for one in systemd's own folders.
        std::error_code error;
        const std::filesystem::path credential = std::filesystem::absolute(out_file_, error);
        if (error) return fail(Code::invalid, "OUT, \"", printable(out_file_), "\": ", error.message());
        COFFER_CHECK(NewFiles::expect_nothing(credential));
        if (geteuid() != 0)
            return fail(Code::not_allowed, "only root has this host's key for credentials; run as root");
        if (remove_plain_) COFFER_CHECK(confirm(concat("Remove ", in.native(), " once it is sealed?"), yes_));
        COFFER_TRY(auto sealed, seal_credential(identity, key_));
        NewFiles files;
        COFFER_CHECK(files.folder(credential.parent_path(), 0700));
        COFFER_CHECK(files.file(credential, sealed, 0600));
        COFFER_CHECK(files.sync());
        files.keep();
        if (remove_plain_ && ::unlink(in.c_str()) != 0)
            return fail(Code::failed, "sealed as ", credential.native(), ", but ", in.native(),
                        " cannot be removed: ", errno_text());
        report(in, credential, identity, out);
        return {};
    }

  private:
    [[nodiscard]] Result<std::filesystem::path> identity_file(const CommonOptions& common) const {
        if (in_) return *in_;
        COFFER_TRY(auto config, find_and_load_config(common));
        if (!config.host_identity.empty()) return config.host_identity;
        return fail(Code::invalid, "no identity of a host: name the file, or host_identity in ",
                    config.file.native());
    }

    void report(const std::filesystem::path& in, const std::filesystem::path& credential,
                const Identity& identity, Output& out) const {
        out.fields(
            {{"credential", credential.string()}, {"fingerprint", identity.id().hex()}, {"key", key_}});
        out.line("It was opened again and is the same identity. Next:");
        out.line("  1. in the unit of cofferd, where it is not there yet: LoadCredentialEncrypted=",
                 kHostCredential, ':', credential.string());
        out.line("  2. systemctl daemon-reload && systemctl restart cofferd");
        if (!remove_plain_) out.line("  3. when it serves: rm ", in.native());
        out.document({{"credential", credential.string()},
                      {"id", identity.id().hex()},
                      {"key", key_},
                      {"from", in.string()},
                      {"removed", remove_plain_}});
    }

    std::optional<std::string> in_;
    std::string out_file_ = kSealedIdentity, key_ = "auto";
    bool remove_plain_ = false, yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_host_seal_identity() {
    return std::make_unique<HostSealIdentity>();
}

}  // namespace coffer
