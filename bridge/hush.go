package bridge

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a fault that lasts may say.
const (
	hushOften = 2                // how often a line is told before it is held back
	hushAfter = time.Hour        // and how often from then on
	hushQuiet = 30 * time.Minute // after which the last one held back is told after all
	hushKinds = 256              // that are known apart
)

// hushKeys are the attributes by which lines with the same message differ. All
// others may change from one to the next without being news.
var hushKeys = []string{"device", "devices", "attribute", "broker", "callback", "problem", "state", "status", "reason", "step", "file", "verb", "topic", "type"}

// A hush keeps a log short while something goes wrong again and again: a line
// that was told twice is told once an hour from then on, and held back, which is
// to say debug, in between. When it has not come for half an hour, the last one
// is told, with the number of them: no end of anything stays unsaid.
type hush struct {
	slog.Handler
	with  string // what a logger's own attributes add to the kind of its lines
	kinds *hushed
}

// hushed are the kinds of lines told of late; safe for several goroutines.
type hushed struct {
	mu   sync.Mutex
	seen map[string]*hushedKind
}

type hushedKind struct {
	told  []time.Time // of late
	held  int
	flush *time.Timer // tells the last one
}

// hushedLog is a log with a hush.
func hushedLog(l *slog.Logger) *slog.Logger {
	return slog.New(hush{Handler: l.Handler(), kinds: &hushed{seen: map[string]*hushedKind{}}})
}

// Handle is part of [slog.Handler].
func (h hush) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo || h.kinds.news(h.kindOf(r), func(held int) { h.last(r, held) }) {
		return h.Handler.Handle(ctx, r)
	}
	if !h.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	quiet := r.Clone() // r itself may be told later
	quiet.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, quiet)
}

// last tells the last of those that were held back.
func (h hush) last(r slog.Record, held int) {
	r = r.Clone()
	r.AddAttrs(slog.Int("times", held), slog.Time("last", r.Time))
	r.Time = time.Now()
	_ = h.Handler.Handle(context.Background(), r) // nobody is there to hear of it
}

// WithAttrs is part of [slog.Handler].
func (h hush) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := h.with
	for _, a := range attrs {
		with += a.String()
	}
	return hush{h.Handler.WithAttrs(attrs), with, h.kinds}
}

// WithGroup is part of [slog.Handler].
func (h hush) WithGroup(name string) slog.Handler {
	return hush{h.Handler.WithGroup(name), h.with + name, h.kinds}
}

// kindOf tells lines apart.
func (h hush) kindOf(r slog.Record) string {
	kind := h.with + r.Message
	for a := range r.Attrs {
		if slices.Contains(hushKeys, a.Key) {
			what, _, _ := strings.Cut(a.Value.String(), ", ") // what follows is how often, or for whom
			kind += "\n" + what
		}
	}
	return kind
}

// news reports whether a line is to be told now. If not, last tells it later,
// unless another one of its kind comes.
func (h *hushed) news(kind string, last func(held int)) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	k := h.seen[kind]
	if k == nil {
		h.forget(now)
		k = &hushedKind{}
		h.seen[kind] = k
	}
	if k.flush != nil {
		k.flush.Stop()
	}
	if n := len(k.told); n < hushOften || now.Sub(k.told[n-1]) >= hushAfter {
		k.tell(now)
		return true
	}
	k.held++
	k.flush = time.AfterFunc(hushQuiet, func() {
		if held := h.settle(k); held > 0 {
			last(held)
		}
	})
	return false
}

// tell notes that a line is told. After an hour without any it is new again.
func (k *hushedKind) tell(now time.Time) {
	if n := len(k.told); n > 0 && k.held == 0 && now.Sub(k.told[n-1]) >= hushAfter {
		k.told = nil
	}
	k.told, k.held = append(k.told[max(0, len(k.told)-hushOften+1):], now), 0
}

// settle forgets a kind of which nothing comes any more, and says how many were
// held back.
func (h *hushed) settle(k *hushedKind) (held int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	held, k.held = k.held, 0
	return held
}

// forget makes room: first what is long past, then anything.
func (h *hushed) forget(now time.Time) {
	for kind, k := range h.seen {
		if n := len(k.told); n > 0 && now.Sub(k.told[n-1]) >= hushAfter && k.held == 0 {
			delete(h.seen, kind)
		}
	}
	for kind := range h.seen {
		if len(h.seen) < hushKinds {
			return
		}
		delete(h.seen, kind)
	}
}
