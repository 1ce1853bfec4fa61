// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include "access/config/owned_file.h"
#include "access/template/template_parser.h"
#include "base/atomic_file.h"
#include "base/file.h"
#include "base/file_mode.h"
#include "command.h"
#include "keys/base64.h"
#include "mounted/mounted_secrets.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr std::string_view kStdin = "-";

// "0640", "640".
Result<mode_t> mode_of(const std::string& text) {
    if (auto mode = parse_mode(text.size() == 3 ? '0' + text : text)) return *mode;
    return fail(Code::invalid, "--mode: expected octal digits as in 0600, found \"", printable(text), '"');
}

// A link, a device, a socket is never put out of its place: as root, /dev/stdout or /dev/null would be.
Result<void> expect_file_or_nothing(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return {};
    return fail(Code::invalid, "--out replaces a file, and ", path, " is a ",
                S_ISLNK(status.st_mode)   ? "link; name the file itself"
                : S_ISDIR(status.st_mode) ? "folder"
                                          : "device or the like; without --out the text goes to stdout");
}

// What a secret of the template turned out to be: its value, and where it was found.
struct FoundSecret {
    SecretBuffer value;
    std::string path;  // org/project/domain/KEY
};

class Render final : public Command {
  public:
    Render() : Command("render", "Write out a template, with secrets read through the mount") {}

    void add_options(OptionSet& options) override {
        options.add("TEMPLATE", template_, "The template's file; - for stdin").required();
        options.add("--scope", scope_, "org/project/domain, where the secrets are looked for first")
            .type_name("SCOPE");
        options.add("--mount", mount_, "Another mount than the configuration's").type_name("DIR");
        auto out = options.add("--out", out_, "Write to FILE, replaced as a whole, and not to stdout")
                       .type_name("FILE");
        options.add("--mode", mode_, "Of FILE, in octal; 0600 if not given").type_name("MODE").needs(out);
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto mode, mode_of(mode_.value_or("0600")));
        if (out_) COFFER_CHECK(expect_file_or_nothing(*out_));
        COFFER_TRY(auto scope, first_scope());
        COFFER_TRY(auto parsed, read_template());
        COFFER_TRY(auto mount, mount_point(common, mount_));
        COFFER_TRY(auto mounted, MountedSecrets::open(std::move(mount)));
        std::vector<FoundSecret> found;
        std::vector<ByteView> values;
        for (const TemplateSecret& secret : parsed.secrets()) {
            COFFER_TRY(auto one, find(parsed, secret, scope, mounted));
            values.push_back(one.value.view());  // where it stays, wherever its buffer moves
            found.push_back(std::move(one));
        }
        COFFER_TRY(auto text, parsed.render(values));
        if (out_) return write_file(out, text, mode, found);
        return print(out, text, found);
    }

  private:
    [[nodiscard]] Result<std::optional<Scope>> first_scope() const {
        if (!scope_) return std::optional<Scope>{};
        COFFER_TRY(auto scope, parse_directory(*scope_));
        return std::optional<Scope>(std::move(scope));
    }

    [[nodiscard]] Result<Template> read_template() const {
        const bool from_stdin = template_ == kStdin;
        COFFER_TRY(auto text, from_stdin ? read_to_end(STDIN_FILENO, kMaxTemplate, "the template on stdin")
                                         : read_text_file(template_, kMaxTemplate));
        return parse_template(text, from_stdin ? "stdin" : template_);
    }

    // Only "there is none" goes on to the next place.
    static Result<FoundSecret> find(const Template& parsed, const TemplateSecret& secret,
                                    const std::optional<Scope>& scope, const MountedSecrets& mounted) {
        const std::string at = parsed.at(secret.place);
        std::string looked;
        for (const Scope& directory : secret.directories(scope)) {
            auto value = mounted.read(directory, secret.key);
            if (value) return FoundSecret{*std::move(value), concat(directory.text(), '/', secret.key)};
            if (value.error().code != Code::not_found)
                return fail(value.error().code, at, value.error().message);
            looked += concat(looked.empty() ? "" : " or ", directory.text());
        }
        if (looked.empty())
            return fail(Code::invalid, at, "nothing says where ", secret.key,
                        " is; give --scope org/project/domain");
        return fail(Code::not_found, at, "there is no secret ", secret.key, " in ", looked,
                    " for this process; `coffer ls` shows what there is, and `coffer policy explain` who may"
                    " read it");
    }

    static Json paths(const std::vector<FoundSecret>& found) {
        Json out = Json::array();
        for (const FoundSecret& one : found) out.push_back(one.path);
        return out;
    }

    Result<void> write_file(Output& out, const SecretBuffer& text, mode_t mode,
                            const std::vector<FoundSecret>& found) const {
        if ((mode & 07) != 0) out.warning("everybody on this host will be able to use ", *out_);
        COFFER_CHECK(replace_file(*out_, as_text(text.view()), mode));
        out.line("wrote ", *out_, " with ", counted(found.size(), "secret"));
        out.document({{"file", *out_}, {"secrets", paths(found)}});
        return {};
    }

    static Result<void> print(Output& out, const SecretBuffer& text, const std::vector<FoundSecret>& found) {
        if (isatty(STDOUT_FILENO)) out.warning("showing secrets on a terminal");
        if (!out.json()) return Output::raw(text.view());
        // The text goes from locked memory to the descriptor, never through a JSON library's strings.
        COFFER_TRY(auto encoded, base64(text.view()));
        COFFER_CHECK(
            Output::raw(as_bytes(concat("{\"secrets\":", paths(found).dump(), ",\"text_base64\":\""))));
        COFFER_CHECK(Output::raw(encoded.view()));
        return Output::raw(as_bytes("\"}\n"));
    }

    std::string template_;
    std::optional<std::string> scope_, mount_, out_, mode_;
};

}  // namespace

std::unique_ptr<Command> make_render() {
    return std::make_unique<Render>();
}

}  // namespace coffer
