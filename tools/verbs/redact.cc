// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "command.h"
#include "input/value_source.h"
#include "keys/seal.h"
#include "mounted/secret_source.h"
#include "redact/output_channel.h"
#include "redact/secret_forms.h"

namespace coffer {
namespace {

class Redact final : public Command {
  public:
    Redact() : Command("redact", "Copy stdin to stdout without secrets, in any of their spellings") {}

    void add_options(OptionSet& options) override {
        source_options_.add_to(options);
        options.add("--file", files_, "The whole of FILE is a value").type_name("FILE");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        if (common.json) return fail(Code::invalid, "--json says nothing here: the output is the input's");
        if (files_.empty() && !source_options_.has_scope())
            return fail(Code::invalid,
                        "expected --scope org/project/domain or --file FILE, with what to leave out");
        SecretForms forms;
        for (const std::string& file : files_) {
            COFFER_TRY(auto value, read_value_file(file, kMaxValue, FileTrust::any));
            add(forms, value.view(), file, out);
        }
        if (source_options_.has_scope()) {
            COFFER_TRY(auto source, SecretSource::open(common, source_options_, out));
            COFFER_TRY(auto keys, source->keys());
            for (const std::string& key : keys) {
                COFFER_TRY(auto value, source->read(key));
                add(forms, value.view(), key, out);
            }
        }
        return copy(Redactor(forms.all()));
    }

  private:
    static void add(SecretForms& forms, ByteView value, std::string_view name, Output& out) {
        if (!forms.add(value))
            out.warning("the value of ", name, " is shorter than ", kShortestForm,
                        " bytes and is not redacted");
    }

    static Result<void> copy(const Redactor& redactor) {
        Descriptor input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
        if (!input) return fail(Code::failed, "stdin: ", errno_text());
        std::vector<OutputChannel> channels;
        channels.emplace_back(std::move(input), STDOUT_FILENO, redactor, OutputChannel::Writing::waits);
        OutputChannel& channel = channels.front();
        while (!channel.is_done()) {
            pollfd wanted = channel.wanted();
            if (::poll(&wanted, 1, poll_timeout(channels)) < 0) continue;
            channel.ready(wanted.revents);
            channel.tick(OutputChannel::Clock::now());
        }
        if (channel.write_error() != 0)
            return fail(Code::failed, "writing the output: ", errno_text(channel.write_error()));
        if (channel.read_error() != 0)
            return fail(Code::failed, "reading the input: ", errno_text(channel.read_error()));
        return {};
    }

    SecretSource::Options source_options_;
    std::vector<std::string> files_;
};

}  // namespace

std::unique_ptr<Command> make_redact() {
    return std::make_unique<Redact>();
}

}  // namespace coffer
