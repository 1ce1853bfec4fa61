// SPDX-License-Identifier: Apache-2.0
//
// RenderedFiles: the [[template]]s of the configuration: at which path each is shown, what of it the store
// has now, and which texts are held open. The text itself is made by the operations, for a caller who may
// read each secret in it; it is in locked memory for as long as somebody has it open, and only its size is
// kept. One thread (the store watch) looks after the sources, any number ask. docs/templates.md.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "access/config/config.h"
#include "serve/catalogue.h"
#include "serve/template_source.h"
#include "serve/unsealer.h"

namespace coffer {

// One secret of a rendered file: the path by which the policy knows it, and what that shows.
struct RenderedSecret {
    Place place;
    Shown shown;
};

// What a rendered file is at one moment: its template and one version of each secret that this names.
struct Rendering {
    std::size_t file = 0;  // its number among the rendered files
    std::shared_ptr<const TemplateText> source;
    std::vector<RenderedSecret> secrets;  // as the template numbers them; never empty
    mode_t mode = 0;
    std::uint64_t time_ms = 0;  // of the last change of any of them
    // The same for the same text, in every daemon: what an open handle keeps of it. 25 bits, the highest set,
    // where a secret's handle has its version.
    [[nodiscard]] std::uint32_t fingerprint() const;
    [[nodiscard]] bool is_same_as(const Rendering& other) const;
};

class RenderedFiles {
  public:
    explicit RenderedFiles(Catalogue& catalogue) : catalogue_(catalogue) {}

    // Before anything is served. What is wrong with a source or a path is that file's matter alone, and told
    // by refresh().
    [[nodiscard]] Result<void> load(const std::vector<TemplateFile>& templates);

    // --- by the store watch ---

    // One thing to be told in the status for each file, or that it is in order; empty when nothing has
    // changed.
    struct Finding {
        std::string part;  // "template acme/checkout/production/NAME"
        std::optional<Error> error;
    };
    [[nodiscard]] std::vector<Finding> refresh();

    // --- by anybody, at any time ---

    // Of one commit of the store. Nothing: no such file, or a secret of it is missing.
    [[nodiscard]] std::optional<Rendering> find(const Place& place) const;
    // Of all rendered files, whether they can be shown or not; always in the same order.
    [[nodiscard]] std::vector<Place> places() const;

    // What is known of a text that was made before: its size, and the text itself while somebody has it open.
    struct Made {
        std::optional<std::size_t> size;
        std::shared_ptr<const LargeCopy> text;
    };
    [[nodiscard]] Made made(const Rendering& rendering) const;
    void keep(const Rendering& rendering, const std::shared_ptr<const LargeCopy>& text);
    // What a reader found in the way of a text. The store watch tells it at its next look, alone, so that
    // what it has seen before cannot undo it.
    void keep_failure(const Rendering& rendering, const Error& error);

  private:
    struct File {
        explicit File(const TemplateFile& one)
            : mode(one.mode), path(one.path.text()), directory(one.path.scope), source(one.source) {}
        Place place;
        mode_t mode;
        std::string path;
        Scope directory;
        TemplateSource source;                     // the store watch's own
        std::shared_ptr<const TemplateText> text;  // null: there was none in order; guarded by mutex_
        std::optional<Rendering> last;             // what was made last; guarded by mutex_
        std::size_t last_size = 0;
        std::weak_ptr<const LargeCopy> last_text;
        struct Failure {
            Rendering rendering;
            Error error;
        };
        std::optional<Failure> failure;  // of the text that could not be made last
    };
    [[nodiscard]] Result<Rendering> render_now(std::size_t number) const;
    [[nodiscard]] Result<RenderedSecret> find_secret(const File& file, const TemplateText& text,
                                                     const TemplateSecret& secret) const;
    [[nodiscard]] std::optional<Error> problem_of(std::size_t number) const;

    Catalogue& catalogue_;
    std::deque<File> files_;           // none comes or goes after load()
    mutable std::shared_mutex mutex_;  // a leaf
    bool failed_ = false;              // something that the store watch has not seen; guarded by mutex_
    std::uint64_t seen_revision_ = 0;  // these two are the store watch's own
    bool looked_ = false;
};

}  // namespace coffer
