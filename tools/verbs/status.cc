// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "host/served_mount.h"
#include "session.h"

namespace coffer {
namespace {

using State = ServedMount::State;

std::string number_of(const Json& report, const char* key) {
    auto found = report.find(key);
    return found != report.end() && found->is_number_unsigned() ? concat(found->get<std::uint64_t>()) : "?";
}

std::string text_of(const Json& report, const char* key) {
    auto found = report.find(key);
    return found != report.end() && found->is_string() ? found->get<std::string>() : "?";
}

class ShowStatus final : public Command {
  public:
    ShowStatus() : Command("status", "Show whether the mount is served, and how well") {}

    void add_options(OptionSet& options) override {
        options.add("--mount", mount_, "Another mount than the configuration's").type_name("DIR");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto config, find_and_load_config(common));
        const std::filesystem::path mount = mount_ ? std::filesystem::path(*mount_) : config.mount;
        if (mount.empty())
            return fail(Code::invalid, "no `mount` in ", config.file.native(), "; give --mount DIR");
        COFFER_TRY(auto found, look_at_mount(mount));
        if (found.state != State::serving) return unserved(found, mount, out);

        const Json& daemon = *found.report;
        std::string head = "?";
        auto session = Session::read(common, out);
        if (session) head = concat(session->view().head().revision);
        if (!session) out.warning("the store: ", session.error().message);
        out.fields(
            {{"mount", concat(mount.native(), ", served by cofferd ", text_of(daemon, "version"))},
             {"host", concat(text_of(daemon, "host"), ", callers by ", text_of(daemon, "attest"))},
             {"revision", concat(number_of(daemon, "revision"), " served, ", head, " in the store")},
             {"secrets", number_of(daemon, "secrets")},
             {"open files", number_of(daemon, "open_files")},
             {"since start", concat(number_of(daemon, "opens"), " opens, ", number_of(daemon, "refusals"),
                                    " refusals, ", number_of(daemon, "errors"), " errors")}});
        const auto problems = found.problems();
        for (const std::string& problem : problems) out.line("problem     ", problem);
        Json document = {{"mount", mount.native()}, {"state", "serving"}, {"daemon", daemon}};
        if (session) document["store_revision"] = session->view().head().revision;
        out.document(document);
        if (problems.empty()) return {};
        COFFER_CHECK(out.finish());
        return fail(Code::failed, "cofferd reports ", counted(problems.size(), "problem"));
    }

  private:
    static Result<void> unserved(const ServedMount& found, const std::filesystem::path& mount, Output& out) {
        struct Words {
            const char* state;
            std::string text;
            Code code;
        };
        auto words = [&]() -> Words {
            switch (found.state) {
                case State::absent:
                    return {"absent", "nothing is mounted there; start cofferd", Code::unavailable};
                case State::foreign:
                    return {"foreign", concat("a file system of type ", found.type, " is mounted there"),
                            Code::unavailable};
                case State::silent:
                    return {
                        "silent",
                        concat(
                            "nobody answers there; if cofferd has ended, unmount it with `fusermount3 -u -z ",
                            mount.native(), "` and start it again"),
                        Code::unavailable};
                case State::closed:
                case State::serving:
                    break;
            }
            return {"closed", "it is mounted; only root and the admin group see more", Code::not_allowed};
        }();
        out.document({{"mount", mount.native()}, {"state", words.state}});
        COFFER_CHECK(out.finish());
        return fail(words.code, mount.native(), ": ", words.text);
    }

    std::optional<std::string> mount_;
};

}  // namespace

std::unique_ptr<Command> make_status() {
    return std::make_unique<ShowStatus>();
}

}  // namespace coffer
