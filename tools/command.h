// SPDX-License-Identifier: Apache-2.0
//
// Command: one verb of the tool. It registers its options, and runs: parse, one call into the store, print.
// An error goes up to main, which prints one line and turns its code into the exit status.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "input/option_set.h"
#include "output/output.h"

namespace coffer {

// What every verb takes.
struct CommonOptions {
    std::optional<std::string> config;           // --config
    std::optional<std::string> identity;         // --identity
    std::optional<std::string> passphrase_file;  // --passphrase-file
    bool json = false;                           // --json
};

class Command {
  public:
    // `words`: "set", or "scope add" for a verb of two words.
    Command(std::string_view words, std::string_view summary) : words_(words), summary_(summary) {}
    virtual ~Command() = default;
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    [[nodiscard]] std::string_view words() const { return words_; }
    [[nodiscard]] std::string_view summary() const { return summary_; }
    virtual void add_options(OptionSet& options) = 0;
    [[nodiscard]] virtual Result<void> run(const CommonOptions& common, Output& out) = 0;
    // Of a verb that runs a program: where the words after -- go, as they are.
    [[nodiscard]] virtual std::vector<std::string>* program() { return nullptr; }
    // What main exits with once run() has succeeded.
    [[nodiscard]] virtual int status() const { return 0; }

  private:
    std::string_view words_, summary_;
};

// Every verb, in the order of the help text. Each maker is in the file of its name.
[[nodiscard]] std::vector<std::unique_ptr<Command>> all_commands();

std::unique_ptr<Command> make_init();
std::unique_ptr<Command> make_set();
std::unique_ptr<Command> make_get();
std::unique_ptr<Command> make_ls();
std::unique_ptr<Command> make_rm();
std::unique_ptr<Command> make_history();
std::unique_ptr<Command> make_restore();
std::unique_ptr<Command> make_purge();
std::unique_ptr<Command> make_import();
std::unique_ptr<Command> make_export();
std::unique_ptr<Command> make_log();
std::unique_ptr<Command> make_verify();
std::unique_ptr<Command> make_scope_add();
std::unique_ptr<Command> make_scope_ls();
std::unique_ptr<Command> make_member_add();
std::unique_ptr<Command> make_member_rm();
std::unique_ptr<Command> make_member_ls();
std::unique_ptr<Command> make_host_add();
std::unique_ptr<Command> make_host_rm();
std::unique_ptr<Command> make_host_ls();
std::unique_ptr<Command> make_host_seal_identity();
std::unique_ptr<Command> make_identity_new();
std::unique_ptr<Command> make_identity_show();
std::unique_ptr<Command> make_rotate();
std::unique_ptr<Command> make_audit_verify();
std::unique_ptr<Command> make_audit_show();
std::unique_ptr<Command> make_policy_check();
std::unique_ptr<Command> make_policy_explain();
std::unique_ptr<Command> make_policy_learn();
std::unique_ptr<Command> make_watch();
std::unique_ptr<Command> make_render();
std::unique_ptr<Command> make_status();
std::unique_ptr<Command> make_doctor();
std::unique_ptr<Command> make_completion();
std::unique_ptr<Command> make_exec();
std::unique_ptr<Command> make_task();
std::unique_ptr<Command> make_redact();

}  // namespace coffer
