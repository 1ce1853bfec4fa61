// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "command.h"
#include "keys/base64.h"
#include "mounted/secret_source.h"
#include "names/name.h"
#include "programs/child_environment.h"
#include "programs/relayed_program.h"
#include "redact/secret_forms.h"

namespace coffer {
namespace {

struct Pair {
    std::string name, key;
};

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}
std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

Result<std::vector<Pair>> pairs(std::string_view flag, const std::vector<std::string>& texts) {
    std::vector<Pair> out;
    for (const std::string& text : texts) {
        const std::size_t at = text.find('=');
        if (at == 0 || at == text.npos)
            return fail(Code::invalid, "expected ", flag, " NAME=KEY, found \"", printable(text), '"');
        COFFER_CHECK(check_key(std::string_view(text).substr(at + 1)));
        out.push_back({text.substr(0, at), text.substr(at + 1)});
    }
    return out;
}

class Exec final : public Command {
  public:
    Exec()
        : Command("exec",
                  "Run a program with secrets in its environment, its output redacted: exec ... -- CMD") {}

    void add_options(OptionSet& options) override {
        source_options_.add_to(options);
        options.add("--env", env_, "The variable NAME is this KEY").type_name("NAME=KEY");
        options.add("--file", file_, "The variable NAME is the path of this KEY in the mount")
            .type_name("NAME=KEY");
        options.add("--only", only_, "Of all secrets, these").type_name("KEY,...").delimiter(',');
        options.add("--prefix", prefix_, "In front of each variable's name").type_name("TEXT");
        options.add_flag("--pristine", pristine_, "Nothing of this process's own environment");
        options.add_flag("--flyte", flyte_, "Variables _FSEC_KEY, and FLYTE_SECRETS_DEFAULT_DIR");
        options.add("--flyte-group", flyte_group_, "With --flyte: _FSEC_GROUP_KEY").type_name("GROUP");
        options.add_flag("--kestra", kestra_, "Variables SECRET_KEY in base64");
        options.add_flag("--no-redact", no_redact_, "Leave the output alone, and become the program");
    }

    std::vector<std::string>* program() override { return &words_; }
    [[nodiscard]] int status() const override { return end_like(end_); }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_CHECK(check(common));
        COFFER_TRY(auto env, pairs("--env", env_));
        COFFER_TRY(auto files, pairs("--file", file_));
        COFFER_TRY(auto source, SecretSource::open(common, source_options_, out));
        ChildEnvironment environment(pristine_ ? ChildEnvironment::Start::empty
                                               : ChildEnvironment::Start::inherited);
        Values values(*source);
        for (const Pair& one : env) {
            COFFER_TRY(auto value, values.of(one.key));
            COFFER_CHECK(environment.add(one.name, value, one.key));
        }
        COFFER_CHECK(add_files(files, *source, values, environment));
        if (takes_all(env, files)) {
            COFFER_TRY(auto keys, chosen(*source));
            for (const std::string& key : keys) COFFER_CHECK(add_secret(key, values, environment));
        }
        if (flyte_) COFFER_CHECK(add_flyte_folder(common, *source, environment));
        const auto pointers = environment.pointers();
        if (no_redact_) return become_program({words_, pointers});
        const Redactor redactor = redactor_of(values, out);
        // A program may run for days: what is not needed to redact its output goes, an identity above all.
        values.forget();
        source.reset();
        COFFER_TRY(end_, run_relayed({words_, pointers, &redactor}, [&] { environment.forget(); }));
        return {};
    }

  private:
    // Each value that is used, read once.
    class Values {
      public:
        explicit Values(SecretSource& source) : source_(source) {}
        Result<ByteView> of(const std::string& key) {
            auto found = values_.find(key);
            if (found == values_.end()) {
                COFFER_TRY(auto value, source_.read(key));
                found = values_.emplace(key, std::move(value)).first;
            }
            return found->second.view();
        }
        [[nodiscard]] const std::map<std::string, SecretBuffer>& all() const { return values_; }
        void forget() { values_.clear(); }

      private:
        SecretSource& source_;
        std::map<std::string, SecretBuffer> values_;
    };

    [[nodiscard]] Result<void> check(const CommonOptions& common) const {
        if (words_.empty()) return fail(Code::invalid, "expected -- and a command; see `coffer exec --help`");
        if (common.json)
            return fail(Code::invalid, "--json says nothing here: the output is the command's own");
        if (flyte_group_ && !flyte_) return fail(Code::invalid, "--flyte-group is for --flyte; give both");
        if (flyte_group_) COFFER_CHECK(check_segment("group", *flyte_group_));
        if (prefix_ && (flyte_ || kestra_))
            return fail(Code::invalid,
                        "--prefix is for plain variables; those of --flyte and --kestra have their own");
        return {};
    }

    [[nodiscard]] bool takes_all(const std::vector<Pair>& env, const std::vector<Pair>& files) const {
        return (env.empty() && files.empty()) || flyte_ || kestra_ || !only_.empty() || prefix_;
    }

    Result<std::vector<std::string>> chosen(SecretSource& source) const {
        if (only_.empty()) return source.keys();
        const std::set<std::string> once(only_.begin(), only_.end());
        return std::vector<std::string>(once.begin(), once.end());
    }

    Result<void> add_secret(const std::string& key, Values& values, ChildEnvironment& environment) const {
        COFFER_TRY(auto value, values.of(key));
        if (flyte_) {
            const std::string group = flyte_group_ ? upper(*flyte_group_) + '_' : "";
            COFFER_CHECK(environment.add("_FSEC_" + group + upper(key), value, key));
        }
        if (kestra_) {
            COFFER_TRY(auto encoded, base64(value));
            COFFER_CHECK(environment.add("SECRET_" + upper(key), encoded.view(), key));
        }
        if (flyte_ || kestra_) return {};
        const std::string name = prefix_.value_or("") + variable_name(key);
        if (steers_programs(name))
            return fail(
                Code::not_allowed, "a variable ", name,
                " would change what runs, and a secret has that name; leave it out with --only, or say"
                " that it is meant with --env ",
                name, '=', key);
        return environment.add(name, value, key);
    }

    // Read here as well: what is to be redacted has to be known.
    Result<void> add_files(const std::vector<Pair>& files, SecretSource& source, Values& values,
                           ChildEnvironment& environment) const {
        for (const Pair& one : files) {
            COFFER_TRY(auto folder, source.folder());
            if (!no_redact_) {
                if (auto value = values.of(one.key); !value) {
                    Error error = std::move(value).error();
                    error.message += "; its output cannot be redacted then: see --no-redact";
                    return Failure(std::move(error));
                }
            }
            COFFER_CHECK(environment.add(one.name, as_bytes((folder / one.key).native()), one.key));
        }
        return {};
    }

    // Flyte looks for DIR/key and for DIR/group/key, in small letters; the mount has project/domain/KEY. So a
    // group has its files there if it is called as the domain.
    Result<void> add_flyte_folder(const CommonOptions& common, const SecretSource& source,
                                  ChildEnvironment& environment) const {
        auto folder = source.folder();
        if (!folder && common.identity) return {};  // a store without a mount
        if (!folder) return Failure(std::move(folder).error());
        if (flyte_group_ && lower(*flyte_group_) != source.place().domain) return {};
        const auto named = flyte_group_ ? folder->parent_path() : *folder;
        return environment.add("FLYTE_SECRETS_DEFAULT_DIR", as_bytes(named.native()), "--flyte");
    }

    static Redactor redactor_of(const Values& values, Output& out) {
        SecretForms forms;
        for (const auto& [key, value] : values.all()) {
            if (!forms.add(value.view()))
                out.warning("the value of ", key, " is shorter than ", kShortestForm,
                            " bytes and is not redacted");
        }
        return Redactor(forms.all());
    }

    SecretSource::Options source_options_;
    std::vector<std::string> env_, file_, only_, words_;
    std::optional<std::string> prefix_, flyte_group_;
    bool pristine_ = false, flyte_ = false, kestra_ = false, no_redact_ = false;
    int end_ = 0;  // as waitpid(2) says
};

}  // namespace

std::unique_ptr<Command> make_exec() {
    return std::make_unique<Exec>();
}

}  // namespace coffer
