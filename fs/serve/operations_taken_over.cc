// SPDX-License-Identifier: Apache-2.0
//
// Handles that an earlier daemon gave out, after a hand-over. Nothing of that daemon is left but the 64 bits
// that the kernel keeps for a handle: which version was opened, seen from which scope level, and whether a
// rule let others read through it. The caller is attested anew, and the version opened anew. A rendered
// file's handle has a fingerprint of its text where a secret's has the version.
#include <cerrno>

#include "serve/operations.h"

namespace coffer {

Answer<std::shared_ptr<const OpenFile>> Operations::take_over(const Requester& who, std::uint64_t node,
                                                              std::uint64_t handle, Worker& worker) {
    if (parts_.handles.is_own(handle)) return answer_errno(EKEYREVOKED);
    auto place = parts_.nodes.find(node);
    if (!place || place->is_directory()) return answer_errno(ESTALE);
    auto file = reopen(who, *place, HandleBits::unpack(handle), worker);
    if (!file) return tl::make_unexpected(file.error());
    (*file)->uid = who.uid;
    (*file)->place = *place;
    if (auto adopted = parts_.handles.adopt(handle, *std::move(file)); !adopted)
        return tl::make_unexpected(adopted.error());
    auto found = parts_.handles.find(handle);  // the first one's, should two have come at once
    if (!found) return answer_errno(EKEYREVOKED);
    return found;
}

Answer<std::shared_ptr<OpenFile>> Operations::reopen(const Requester& who, const Place& place,
                                                     const HandleBits& bits, Worker& worker) {
    if (place.is_status()) {
        auto file = std::make_shared<OpenFile>();
        auto admin = parts_.gate.check_admin(who);
        if (!admin) return answer_errno(EACCES);
        file->text = parts_.status_files.text(place.key);
        file->opener = admin->attested;
        return file;
    }
    const auto rendering = parts_.rendered_files.find(place);
    if (rendering && rendering->fingerprint() == bits.version)
        return reopen_rendered(who, *rendering, worker);
    auto shown = parts_.past_versions.find(place, bits.level, bits.version);
    if (!shown && shown.error().code == Code::not_found) return answer_errno(EKEYREVOKED);
    if (!shown) return answer_error(shown.error());
    auto pass =
        parts_.gate.check_taken_over(who, {secret_path(place), shown->version, shown->scope}, bits.inherit);
    if (!pass) return tl::make_unexpected(pass.error());
    auto sealed = load(*shown, worker);
    if (!sealed) return tl::make_unexpected(sealed.error());
    auto file = file_of(*shown, *std::move(sealed));
    file->opener = pass->visitor.attested;
    file->inherit = bits.inherit;
    file->cached = pass->decision.cached;
    file->policy_generation =
        file->opener ? pass->visitor.policy_generation : parts_.gate.policy_generation();
    return file;
}

}  // namespace coffer
