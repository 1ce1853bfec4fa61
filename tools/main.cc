// SPDX-License-Identifier: Apache-2.0
//
// coffer, the companion tool: finds the verb, runs it, prints one line for an error and exits with its
// status.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>

#include "command.h"
#include "keys/secret_buffer.h"
#include "names/name.h"
#include "output/exit_status.h"
#include "output/next_step.h"

namespace coffer {
namespace {

int finish(const Error& error, std::string_view verb = {}) {
    Output(false).error(with_next_step(error, verb));
    return static_cast<int>(exit_status(error.code));
}

void add_common(CLI::App& app, CommonOptions& common) {
    app.add_option("--config", common.config,
                   "The configuration (else $COFFER_CONFIG, else the usual places)")
        ->type_name("FILE")
        ->group("Everywhere");
    app.add_option("--identity", common.identity, "Who signs (else $COFFER_IDENTITY, else the configuration)")
        ->type_name("FILE")
        ->group("Everywhere");
    app.add_option("--passphrase-file", common.passphrase_file,
                   "The identity's passphrase (else $COFFER_PASSPHRASE_FILE, else asked)")
        ->type_name("FILE")
        ->group("Everywhere");
    app.add_flag("--json", common.json, "One JSON document on stdout")->group("Everywhere");
}

// The command line: verbs of one word, and groups for those of two. Only the verb that is asked for is made
// known to CLI11, or its group; all of them, which takes longer than many a command, where an option comes
// first.
class CommandLine {
  public:
    CommandLine(const std::vector<std::unique_ptr<Command>>& commands, std::string_view first)
        : app_("Seal secrets, and show them as files to the programs that a policy names", "coffer") {
        app_.require_subcommand(1);
        app_.set_version_flag("--version", "coffer " COFFER_VERSION);
        for (const auto& command : commands) {
            const std::string_view words = command->words();
            if (first.starts_with('-') || words.substr(0, words.find(' ')) == first) add(*command);
        }
    }

    // The command to run; nothing after --help or --version, which were answered.
    Result<Command*> parse(int argc, char** argv) {
        COFFER_CHECK(check_verb(argc, argv));
        argc = take_program(argc, argv);
        try {
            app_.parse(argc, argv);
        } catch (const CLI::Success& asked) {
            app_.exit(asked);
            return nullptr;
        } catch (const CLI::ParseError& error) {
            const bool is_program = dynamic_cast<const CLI::ExtrasError*>(&error) && runs_program(argv[1]);
            return fail(Code::invalid, error.what(), is_program ? "; a command comes after --" : "",
                        "; see `", used(), " --help`");
        } catch (const std::exception& error) {
            return fail(Code::failed, error.what());
        }
        for (const auto& [app, command] : leaves_) {
            if (app->parsed()) return command;
        }
        return fail(Code::invalid, "expected a verb; see `coffer --help`");
    }
    [[nodiscard]] const CommonOptions& common() const { return common_; }

  private:
    void add(Command& command) {
        std::string words(command.words());
        CLI::App* parent = &app_;
        if (std::size_t space = words.find(' '); space != words.npos) {
            parent = group(words.substr(0, space));
            words.erase(0, space + 1);
        }
        CLI::App* leaf = parent->add_subcommand(words, std::string(command.summary()));
        OptionSet options(*leaf);
        command.add_options(options);
        add_common(*leaf, common_);
        leaves_.emplace_back(leaf, &command);
    }

    CLI::App* group(const std::string& word) {
        auto& app = groups_[word];
        if (!app) {
            static const std::map<std::string, std::string, std::less<>> kSummaries{
                {"scope", "Scopes and their keys"},
                {"member", "Owners, admins and editors"},
                {"host", "Hosts, which unseal what they serve"},
                {"identity", "Identity files"},
                {"audit", "The record of who asked for what"},
                {"policy", "Rules: which processes may read which secrets"}};
            auto summary = kSummaries.find(word);
            app = app_.add_subcommand(word, summary == kSummaries.end() ? word : summary->second);
            app->require_subcommand(1);
        }
        return app;
    }

    // Before CLI11 looks: its words for an unknown verb are about a missing one.
    [[nodiscard]] Result<void> check_verb(int argc, char** argv) const {
        if (argc < 2) return fail(Code::invalid, "expected a verb; see `coffer --help`");
        if (leaves_.empty())
            return fail(Code::invalid, "unknown verb \"", printable(argv[1]), "\"; see `coffer --help`");
        return {};
    }

    // The words after -- go to a verb that runs them: what CLI11 would make of brackets in them is not its
    // business. What is left for it to parse.
    int take_program(int argc, char** argv) const {
        for (const auto& [app, command] : leaves_) {
            auto* words = command->words() == argv[1] ? command->program() : nullptr;
            if (!words) continue;
            char** end = std::find(argv + 2, argv + argc, std::string_view("--"));
            if (end == argv + argc) return argc;
            words->assign(end + 1, argv + argc);
            return static_cast<int>(end - argv);
        }
        return argc;
    }

    [[nodiscard]] bool runs_program(std::string_view verb) const {
        return std::ranges::any_of(leaves_, [&](const auto& leaf) {
            return leaf.second->words() == verb && leaf.second->program() != nullptr;
        });
    }

    // The words that were understood: "coffer scope add".
    [[nodiscard]] std::string used() const {
        std::string words = "coffer";
        const CLI::App* app = &app_;
        while (!app->get_subcommands().empty()) {
            app = app->get_subcommands().front();
            words += ' ' + app->get_name();
        }
        return words;
    }

    CLI::App app_;
    CommonOptions common_;
    std::map<std::string, CLI::App*> groups_;
    std::vector<std::pair<CLI::App*, Command*>> leaves_;
};

int run(int argc, char** argv) {
    auto commands = all_commands();
    CommandLine line(commands, argc < 2 ? "" : argv[1]);
    auto command = line.parse(argc, argv);
    if (!command) return finish(command.error());
    if (!*command) return 0;
    Output out(line.common().json);
    auto done = (*command)->run(line.common(), out);
    if (done) done = out.finish();
    return done ? (*command)->status() : finish(done.error(), (*command)->words());
}

// Values and keys pass through this process: no core file, no ptrace by the same user. The limit of core
// files is left alone, since a program that a verb starts would inherit it.
void keep_to_itself() {
    prctl(PR_SET_DUMPABLE, 0);
}

// A closed pipe is an error to be told, and not the end. By a handler: what is ignored a program that a verb
// starts would inherit, and what it ignores by inheritance is to stay so.
void survive_closed_pipes() {
    struct sigaction before {};
    if (sigaction(SIGPIPE, nullptr, &before) == 0 && before.sa_handler == SIG_DFL)
        signal(SIGPIPE, [](int) {});
}

// A file that is opened while one of these is closed takes its place, and messages would go into it. What
// takes it instead fails to be read or written as a closed one does.
bool hold_standard_descriptors() {
    for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) >= 0) continue;
        if (open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) != descriptor) return false;
    }
    return true;
}

}  // namespace
}  // namespace coffer

int main(int argc, char** argv) {
    if (!coffer::hold_standard_descriptors()) return static_cast<int>(coffer::ExitStatus::failed);
    coffer::keep_to_itself();
    coffer::survive_closed_pipes();
    try {
        if (!coffer::initialise_crypto())
            return coffer::finish({coffer::Code::failed, "the system's random generator cannot be used", {}});
        return coffer::run(argc, argv);
    } catch (const std::exception& error) {
        // Out of memory, or an option registered twice: nothing of ours throws.
        return coffer::finish({coffer::Code::failed, error.what(), {}});
    }
}
