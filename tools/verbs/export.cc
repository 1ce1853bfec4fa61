// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>

#include "change/masked_values.h"
#include "command.h"
#include "mounted/mounted_secrets.h"
#include "output/progress_bar.h"
#include "output/version_text.h"
#include "session.h"
#include "transfer/export_writer.h"

namespace coffer {
namespace {

class Export final : public Command {
  public:
    Export()
        : Command("export", "Write the values of masked secrets to stdout, a new file or a new folder") {}

    void add_options(OptionSet& options) override {
        options.add("--scope", scope_, "org/project/domain, with * for all").required().type_name("SCOPE");
        options.add("--format", format_, "dotenv (the default), kestra, json, dir or pass")
            .type_name("FORMAT");
        options.add("--out", out_, "The folder to make (dir, the default then, and pass) or the file")
            .type_name("DIR|FILE");
        mount_option_ = options
                            .add("--mount", mount_,
                                 "Through the mount (DIR, else the configured one): what "
                                 "this process may read there")
                            .value_may_be_missing()
                            .type_name("[DIR]");
        options.add_flag("-y,--yes", yes_, "Show the values on a terminal");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto scope, Scope::parse(scope_));
        COFFER_TRY(auto format, format_to_write(out.json()));
        ExportWriter writer(format);
        if (out_) COFFER_CHECK(writer.write_to(*out_));
        std::size_t count = 0;
        if (mount_option_->given()) {
            COFFER_TRY(count, write_mounted(common, out, scope, writer));
        } else {
            COFFER_TRY(count, write_masked(common, out, scope, writer));
        }
        COFFER_CHECK(writer.finish());
        if (!out_) return {};
        out.line("exported ", counted(count, "secret"), " of ", scope.text(), " to ", *out_);
        out.document(
            {{"scope", scope.text()}, {"secrets", count}, {is_tree(format) ? "folder" : "file", *out_}});
        return {};
    }

  private:
    // What cannot be is said before a value is read.
    [[nodiscard]] Result<Format> format_to_write(bool json) const {
        Format format = out_ ? Format::dir : json ? Format::json : Format::dotenv;
        if (format_) {
            COFFER_TRY(format, parse_format(*format_));
        }
        if (out_) return format;
        if (is_tree(format)) return fail(Code::invalid, "expected --out DIR for --format ", to_text(format));
        if (json && format != Format::json)
            return fail(Code::invalid, "expected --format json beside --json, found ", to_text(format));
        if (!yes_ && isatty(STDOUT_FILENO) != 0)
            return fail(Code::invalid,
                        "stdout is a terminal, which would show every value; give --out FILE, send it to a "
                        "program, or give --yes");
        return format;
    }

    // From the store, with the identity: the live masked secrets of this very scope.
    static Result<std::size_t> write_masked(const CommonOptions& common, Output& out, const Scope& scope,
                                            ExportWriter& writer) {
        COFFER_TRY(auto session, Session::reveal(common, out));
        std::vector<Secret> secrets;
        std::size_t restricted = 0;
        COFFER_CHECK(session.view().for_each(scope, [&](const Secret& secret) {
            if (!secret.live) return true;
            if (secret.visibility == Visibility::restricted) {
                ++restricted;
            } else if (version_state(secret, *secret.live) == "expired") {
                out.warning(secret.name.text(), " has expired and was left out");
            } else {
                secrets.push_back(secret);
            }
            return true;
        }));
        if (restricted > 0)
            out.warning(counted(restricted, "restricted secret"),
                        " left out; only hosts open them, and programs read them through the mount");
        if (secrets.empty())
            return fail(Code::not_found, "no masked secret to export in ", scope.text(),
                        "; `coffer ls` shows what there is");
        std::sort(secrets.begin(), secrets.end(),
                  [](const Secret& a, const Secret& b) { return a.name < b.name; });
        MaskedValues masked(session.store(), session.identity());
        ProgressBar bar("opening", secrets.size());
        for (std::size_t i = 0; i < secrets.size(); ++i) {
            if (i % 256 == 0) bar.show(i);
            COFFER_TRY(auto value, masked.value(secrets[i], *secrets[i].live));
            COFFER_CHECK(writer.add(secrets[i].name.key, value.view()));
        }
        return secrets.size();
    }

    // Through the mount: what that folder shows to this process, wider secrets and restricted ones too.
    [[nodiscard]] Result<std::size_t> write_mounted(const CommonOptions& common, Output& out,
                                                    const Scope& scope, ExportWriter& writer) const {
        COFFER_TRY(auto directory, parse_directory(scope.text()));
        COFFER_TRY(auto mount, mount_point(common, mount_.empty() ? std::nullopt : std::optional(mount_)));
        COFFER_TRY(auto secrets, MountedSecrets::open(std::move(mount)));
        COFFER_TRY(auto keys, secrets.keys(directory));
        std::size_t count = 0;
        for (const std::string& key : keys) {
            auto value = secrets.read(directory, key);
            if (value) {
                COFFER_CHECK(writer.add(key, value->view()));
                ++count;
                continue;
            }
            const Code why = value.error().code;
            if (why == Code::expired)
                out.warning(scope.text(), '/', key, " has expired and was left out");
            else if (why == Code::not_found || why == Code::not_allowed)
                out.warning(scope.text(), '/', key, " may not be read by this process and was left out");
            else
                return Failure(std::move(value).error());
        }
        if (count == 0)
            return fail(Code::not_found, "this process may read nothing in ",
                        secrets.folder(directory).native(), "; `coffer policy explain --pid $$ ",
                        scope.text(), "/KEY` says why");
        return count;
    }

    std::string scope_, mount_;
    std::optional<std::string> format_, out_;
    std::optional<Option> mount_option_;
    bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_export() {
    return std::make_unique<Export>();
}

}  // namespace coffer
