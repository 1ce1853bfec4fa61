// SPDX-License-Identifier: Apache-2.0
#include "mounted/secret_source.h"

#include <algorithm>
#include <set>

#include "change/masked_values.h"
#include "mounted/mounted_secrets.h"
#include "names/name.h"
#include "output/version_text.h"
#include "session.h"
#include "view/resolve.h"

namespace coffer {
namespace {

class SecretsOfMount final : public SecretSource {
  public:
    SecretsOfMount(Scope place, const std::filesystem::path& mount, MountedSecrets secrets)
        : SecretSource(std::move(place), mount), secrets_(std::move(secrets)) {}

    Result<std::vector<std::string>> keys() override { return secrets_.keys(place()); }

    Result<SecretBuffer> read(const std::string& key) override {
        COFFER_CHECK(check_key(key));
        auto value = secrets_.read(place(), key);
        if (value || value.error().code != Code::not_found) return value;
        return fail(Code::not_found, "there is no ", place().text(), '/', key,
                    " for this process; `coffer policy explain --pid $$ ", place().text(), '/', key,
                    "` says whether the policy hides it");
    }

  private:
    MountedSecrets secrets_;
};

class SecretsOfStore final : public SecretSource {
  public:
    SecretsOfStore(Scope place, std::filesystem::path mount, Session session, Output& out)
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
        return values_.value(secret, *secret.live);
    }

  private:
    Result<Secret> find(const std::string& key) {
        COFFER_TRY(auto secret, resolve(session_.view(), place().org, place().project, place().domain, key));
        if (!secret) return fail(Code::not_found, "no secret serves ", place().text(), '/', key);
        return *secret;
    }
    Session session_;
    MaskedValues values_{session_.store(), session_.identity()};
    Output& out_;
};

}  // namespace

void SecretSource::Options::add_to(OptionSet& options) {
    options.add("--scope", scope_, "org/project/domain, whose secrets and those of wider scopes are meant")
        .type_name("SCOPE");
    options.add("--mount", mount_, "Another mount than that of the configuration").type_name("DIR");
}

Result<std::unique_ptr<SecretSource>> SecretSource::open(const CommonOptions& common, const Options& options,
                                                         Output& out) {
    if (!options.scope_) return fail(Code::invalid, "expected --scope org/project/domain");
    COFFER_TRY(auto place, parse_directory(*options.scope_));
    if (common.identity) {
        COFFER_TRY(auto session, Session::reveal(common, out));
        std::filesystem::path mount = session.config().mount;  // for the paths of files; may be none
        if (options.mount_) {
            COFFER_TRY(mount, mount_point(common, options.mount_));
        }
        return std::unique_ptr<SecretSource>(
            std::make_unique<SecretsOfStore>(std::move(place), std::move(mount), std::move(session), out));
    }
    COFFER_TRY(auto mount, mount_point(common, options.mount_));
    COFFER_TRY(auto secrets, MountedSecrets::open(mount));
    return std::unique_ptr<SecretSource>(
        std::make_unique<SecretsOfMount>(std::move(place), mount, std::move(secrets)));
}

Result<std::filesystem::path> SecretSource::folder() const {
    if (mount_.empty()) return fail(Code::invalid, "files are in the mount: give --mount DIR");
    return mount_ / place_.org / place_.project / place_.domain;
}

}  // namespace coffer
