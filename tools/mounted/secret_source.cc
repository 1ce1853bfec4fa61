// SPDX-License-Identifier: Apache-2.0
#include "mounted/secret_source.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "change/secrets.h"
#include "host/served_mount.h"
#include "input/value_source.h"
#include "names/name.h"
#include "output/version_text.h"
#include "session.h"
#include "view/resolve.h"

namespace coffer {
namespace {

class MountedSecrets final : public SecretSource {
  public:
    MountedSecrets(ServedPlace place, const std::filesystem::path& mount)
        : SecretSource(place, mount), folder_(mount / place.org / place.project / place.domain) {}

    Result<std::vector<std::string>> keys() override {
        std::vector<std::string> out;
        std::error_code error;
        std::filesystem::directory_iterator entry(folder_, error);
        for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
            out.push_back(entry->path().filename());
        if (error == std::errc::no_such_file_or_directory) return nothing_here();
        if (error) return fail(Code::failed, "listing ", folder_.native(), ": ", error.message());
        if (out.empty()) return nothing_here();
        std::sort(out.begin(), out.end());
        return out;
    }

    Result<SecretBuffer> read(const std::string& key) override {
        COFFER_CHECK(check_key(key));
        auto value = read_value_file(folder_ / key, kMaxValue, FileTrust::any);
        if (!value && value.error().code == Code::not_found) return unseen(key);
        return value;
    }

  private:
    [[nodiscard]] Failure nothing_here() const {
        return fail(Code::not_found, "this process may read no secret in ", folder_.native(),
                    "; `coffer policy explain --pid $$ ", place().text(), "/KEY` says why");
    }
    [[nodiscard]] Failure unseen(std::string_view key) const {
        return fail(Code::not_found, "there is no ", place().text(), '/', key,
                    " for this process; `coffer policy explain --pid $$ ", place().text(), '/', key,
                    "` says whether the policy hides it");
    }
    std::filesystem::path folder_;
};

class StoredSecrets final : public SecretSource {
  public:
    StoredSecrets(ServedPlace place, std::filesystem::path mount, Session session, Output& out)
        : SecretSource(std::move(place), std::move(mount)), session_(std::move(session)), out_(out) {}

    Result<std::vector<std::string>> keys() override {
        std::set<std::string> found;
        for (const Scope& scope : scopes_serving(place().org, place().project, place().domain)) {
            COFFER_CHECK(session_.view().for_each(scope, [&](const Secret& secret) {
                if (secret.live) found.insert(secret.name.key);
                return true;
            }));
        }
        std::vector<std::string> out;
        for (const std::string& key : found) {
            COFFER_TRY(auto secret, find(key));
            if (secret.visibility == Visibility::masked)
                out.push_back(key);
            else
                out_.warning(secret.name.text(),
                             " is restricted and left out; it is read through the mount alone");
        }
        return out;
    }

    Result<SecretBuffer> read(const std::string& key) override {
        COFFER_CHECK(check_key(key));
        COFFER_TRY(auto secret, find(key));
        if (version_state(secret, *secret.live) == "expired")
            return fail(Code::expired, secret.name.text(), " expired at ", expiry_text(*secret.live),
                        "; `coffer set` makes a new version");
        return reveal(session_.store(), session_.identity(), secret, *secret.live);
    }

  private:
    Result<Secret> find(const std::string& key) {
        COFFER_TRY(auto secret, resolve(session_.view(), place().org, place().project, place().domain, key));
        if (!secret) return fail(Code::not_found, "no secret serves ", place().text(), '/', key);
        return *secret;
    }
    Session session_;
    Output& out_;
};

Result<std::filesystem::path> absolute_path(const std::string& text) {
    if (text.empty()) return fail(Code::invalid, "expected a folder after --mount, found nothing");
    std::error_code error;
    auto path = std::filesystem::absolute(text, error).lexically_normal();
    if (error) return fail(Code::failed, text, ": ", error.message());
    return path.has_filename() ? path : path.parent_path();
}

// Before anything is asked of a file there: where nobody answers, an open waits for ever.
Result<void> check_served(const std::filesystem::path& mount) {
    COFFER_TRY(auto found, look_at_mount(mount));
    switch (found.state) {
        case ServedMount::State::absent:
            return fail(Code::unavailable, "nothing is mounted on ", mount.native(),
                        "; start cofferd, give --mount DIR, or --identity FILE to read masked secrets"
                        " from the store");
        case ServedMount::State::foreign:
            return fail(Code::unavailable, mount.native(), " is a mount of type ", found.type,
                        " and not of cofferd's");
        case ServedMount::State::silent:
            return fail(Code::unavailable, "nobody serves the mount on ", mount.native(),
                        "; see `coffer status`");
        case ServedMount::State::closed:
        case ServedMount::State::serving:
            return {};
    }
    return {};
}

}  // namespace

Result<ServedPlace> ServedPlace::parse(std::string_view text) {
    COFFER_TRY(auto scope, Scope::parse(text));
    if (scope.project.empty() || scope.domain.empty())
        return fail(Code::invalid, "expected a scope with a project and a domain, as a program has, such as",
                    " acme/checkout/production; found ", scope.text());
    return ServedPlace{scope.org, scope.project, scope.domain};
}

void SecretSource::Options::add_to(CLI::App& app) {
    app.add_option("--scope", scope_, "org/project/domain, whose secrets and those of wider scopes are meant")
        ->type_name("SCOPE");
    app.add_option("--mount", mount_, "Another mount than that of the configuration")->type_name("DIR");
}

Result<std::unique_ptr<SecretSource>> SecretSource::open(const CommonOptions& common, const Options& options,
                                                         Output& out) {
    if (!options.scope_) return fail(Code::invalid, "expected --scope org/project/domain");
    COFFER_TRY(auto place, ServedPlace::parse(*options.scope_));
    std::filesystem::path mount;
    if (options.mount_) {
        COFFER_TRY(mount, absolute_path(*options.mount_));
    }
    if (common.identity) {
        COFFER_TRY(auto session, Session::reveal(common, out));
        if (mount.empty()) mount = session.config().mount;
        return std::unique_ptr<SecretSource>(
            std::make_unique<StoredSecrets>(std::move(place), std::move(mount), std::move(session), out));
    }
    if (mount.empty()) {
        COFFER_TRY(auto config, find_and_load_config(common));
        if (config.mount.empty())
            return fail(Code::invalid, "no mount to read from: give --mount DIR, or `mount` in ",
                        config.file.native());
        mount = config.mount;
    }
    COFFER_CHECK(check_served(mount));
    return std::unique_ptr<SecretSource>(std::make_unique<MountedSecrets>(std::move(place), mount));
}

Result<std::filesystem::path> SecretSource::folder() const {
    if (mount_.empty()) return fail(Code::invalid, "files are in the mount: give --mount DIR");
    return mount_ / place_.org / place_.project / place_.domain;
}

}  // namespace coffer
