// SPDX-License-Identifier: Apache-2.0
#include "serve/credential_source.h"

#include "names/name.h"
#include "serve/version_loader.h"

namespace coffer {
namespace {

using Value = std::shared_ptr<const LargeCopy>;

std::string text_of(const SecretPath& path) {
    return concat(path.org, '/', path.project, '/', path.domain, '/', path.key);
}

// The one secret that the rules for this unit's credentials have under this KEY.
Result<SecretPath> find_path(const Entitlement& entitlement, const CredentialClaim& claim) {
    const auto found = entitlement.credentials(claim.id);
    if (found.empty())
        return fail(Code::not_allowed,
                    "no rule with `credential = true` names this unit and a directory with the KEY ",
                    claim.id);
    if (found.size() > 1)
        return fail(Code::not_allowed,
                    "rules with `credential = true` name this unit and two secrets of that KEY, ",
                    text_of(found[0]), " and ", text_of(found[1]), "; load them by their paths in the mount");
    return found.front();
}

Place place_of(const Catalogue& catalogue, const SecretPath& path) {
    return {catalogue.find_name(path.org), catalogue.find_name(path.project),
            catalogue.find_name(path.domain), catalogue.find_name(path.key)};
}

bool is_whole(const Place& place) {
    return place.org != kNoName && place.project != kNoName && place.domain != kNoName &&
           place.key != kNoName;
}

}  // namespace

// The peer is alive after the look: so all that was found out by its number is its own.
Result<Visitor> CredentialSource::identify(const SocketPeer& peer, const CredentialClaim& claim) {
    COFFER_TRY(auto loader, parts_.gate.identify_closely(peer.who));
    if (!peer.alive()) return fail(Code::not_allowed, "the peer has exited");
    const Caller& caller = loader.caller();
    if (!caller.credential_loader)
        return fail(
            Code::not_allowed, "the peer, process ", caller.tgid,
            ", is not systemd at work on LoadCredential=: that has uid 0, the executable of process 1, "
            "and the unit's cgroup");
    if (caller.cgroup.unit != claim.unit)
        return fail(Code::not_allowed, "the peer is in ", printable(caller.cgroup.unit),
                    " and says that it loads for ", printable(claim.unit));
    return loader;
}

Result<Value> CredentialSource::fetch(const SocketPeer& peer, const CredentialClaim& claim, Worker& worker) {
    Target target{{{}, {}, {}, claim.id}, 0, {}};
    auto refuse = [&](Error error) {
        // Its number may be another's by now, and a record never says that the other has asked.
        const Requester who = peer.alive() ? peer.who : Requester{0, peer.who.uid, peer.who.gid};
        parts_.gate.audit_refusal(who, "credential", target, error.message);
        return Failure(std::move(error));
    };
    auto loader = identify(peer, claim);
    if (!loader) return refuse(std::move(loader).error());
    const auto entitlement = loader->entitlement;  // keeps the texts of the path
    auto path = find_path(*entitlement, claim);
    if (!path) return refuse(std::move(path).error());
    target.path = *path;
    const Place place = place_of(parts_.catalogue, *path);
    auto shown = is_whole(place) ? parts_.catalogue.resolve(place) : std::nullopt;
    if (!shown) return refuse({Code::not_found, concat("there is no secret ", text_of(*path)), {}});
    target.version = shown->version;
    target.scope = shown->scope;

    COFFER_TRY(auto pass, parts_.gate.check_credential(*std::move(loader), peer.who, target));
    auto value = open(*shown, worker);
    if (!value) return refuse(std::move(value).error());
    COFFER_CHECK(parts_.gate.admit_credential(pass, peer.who, target));
    parts_.status.count(Status::Count::opens);
    return value;
}

Result<Value> CredentialSource::open(const Shown& shown, Worker& worker) {
    const VersionLoader loader{parts_.catalogue, parts_.unsealer, parts_.status, parts_.audit};
    COFFER_TRY(auto sealed, loader.load(shown, worker));
    return parts_.unsealer.open_large(*sealed, worker.scratch);
}

}  // namespace coffer
