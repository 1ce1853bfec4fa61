// SPDX-License-Identifier: Apache-2.0
#include "programs/child_environment.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "names/name.h"

namespace coffer {
namespace {

constexpr std::size_t kLongestText = 128 * 1024 - 1;  // MAX_ARG_STRLEN of Linux, without the zero
constexpr std::size_t kFirstRoom = 4096;

}  // namespace

Result<void> ChildEnvironment::add(std::string_view name, ByteView value, std::string_view key) {
    if (name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos)
        return fail(Code::invalid, "expected the name of a variable, found \"", printable(name), '"');
    for (const Variable& other : variables_) {
        if (other.name == name)
            return fail(Code::invalid, "the variable ", printable(name),
                        " is given twice, the second time by ", key,
                        "; name one of them with --env NAME=KEY, or choose with --only");
    }
    if (std::find(value.begin(), value.end(), std::uint8_t{0}) != value.end())
        return fail(
            Code::invalid, "the value of ", key,
            " has a byte of zero, which no variable can hold; pass it as a file, with --file NAME=", key);
    if (name.size() + 1 + value.size() > kLongestText)
        return fail(Code::invalid, "the value of ", key,
                    " is too long for a variable; pass it as a file, with --file NAME=", key);
    const std::size_t size = name.size() + 1 + value.size() + 1;
    COFFER_CHECK(make_room(size));
    auto at = std::copy(name.begin(), name.end(), texts_.writable().subspan(used_).begin());
    *at++ = '=';
    *std::copy(value.begin(), value.end(), at) = 0;
    variables_.push_back({std::string(name), used_});
    used_ += size;
    return {};
}

Result<void> ChildEnvironment::make_room(std::size_t size) {
    if (used_ + size <= texts_.size()) return {};
    COFFER_TRY(auto larger, SecretBuffer::allocate(std::max({2 * texts_.size(), used_ + size, kFirstRoom})));
    std::copy_n(texts_.view().begin(), used_, larger.writable().begin());
    texts_ = std::move(larger);
    return {};
}

void ChildEnvironment::forget() {
    variables_.clear();
    texts_ = SecretBuffer();
    used_ = 0;
}

std::vector<char*> ChildEnvironment::pointers() {
    std::vector<char*> out;
    for (const Variable& variable : variables_)
        out.push_back(reinterpret_cast<char*>(texts_.writable().subspan(variable.start).data()));
    for (char** one = environ; start_ == Start::inherited && *one; ++one) {
        const std::string_view entry = *one;
        const std::string_view name = entry.substr(0, entry.find('='));
        if (!std::any_of(variables_.begin(), variables_.end(),
                         [&](const Variable& ours) { return ours.name == name; }))
            out.push_back(*one);
    }
    out.push_back(nullptr);
    return out;
}

std::string variable_name(std::string_view key) {
    std::string out(key);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '.' || c == '-'; }, '_');
    return out;
}

bool steers_programs(std::string_view name) {
    constexpr std::string_view kBegins[] = {"LD_", "GLIBC_", "GCONV_", "MALLOC_", "BASH_FUNC_"};
    // Those that sudo(8) never lets through, and what starts a program or loads code in common ones.
    constexpr std::string_view kNames =
        " PATH IFS ENV BASH_ENV SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND CDPATH GLOBIGNORE ZDOTDIR "
        "FPATH SHELL HOME PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONINSPECT PYTHONUSERBASE "
        "PYTHONWARNINGS PYTHONBREAKPOINT PERLLIB PERL5LIB PERL5OPT PERL5DB RUBYOPT RUBYLIB "
        "NODE_OPTIONS NODE_PATH JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH "
        "DOTNET_STARTUP_HOOKS OPENSSL_CONF OPENSSL_MODULES GIT_SSH GIT_SSH_COMMAND GIT_EXEC_PATH "
        "GIT_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_ASKPASS GIT_CONFIG_GLOBAL "
        "GIT_CONFIG_SYSTEM GIT_CONFIG_COUNT SSH_ASKPASS SUDO_ASKPASS EDITOR VISUAL PAGER BROWSER "
        "LESSOPEN LESSCLOSE HOSTALIASES LOCALDOMAIN RES_OPTIONS TERMINFO TERMCAP ";
    return std::any_of(std::begin(kBegins), std::end(kBegins),
                       [&](auto one) { return name.starts_with(one); }) ||
           kNames.find(concat(' ', name, ' ')) != kNames.npos;
}

}  // namespace coffer
