package bridge

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// A LogHandler passes warnings and errors on to bridge/logging. It is made
// before the bridge, joined to the daemon's handler (see [slog.NewMultiHandler]),
// and given to [Options]. It never blocks: what nobody takes in time is dropped,
// and so is what repeats within a minute.
type LogHandler struct {
	json slog.Handler // writes into pipe
	pipe *logPipe
}

// NewLogHandler makes one; what is logged before the bridge runs waits in a
// small buffer.
func NewLogHandler() *LogHandler {
	pipe := &logPipe{out: make(chan []byte, 64)}
	return &LogHandler{pipe: pipe, json: slog.NewJSONHandler(pipe, &slog.HandlerOptions{
		Level: slog.LevelWarn, ReplaceAttr: logAttr,
	})}
}

// longestLogged bounds one value; an alias may be a megabyte long.
const longestLogged = 400

// logAttr names the message and the level as zigbee2mqtt does on its topic, and
// cuts what is too long.
func logAttr(groups []string, a slog.Attr) slog.Attr {
	if text := a.Value.String(); len(text) > longestLogged {
		a.Value = slog.StringValue(strings.ToValidUTF8(cut(text, longestLogged), ""))
	}
	if len(groups) > 0 {
		return a
	}
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().String()) // JSON would be a number without a unit
	}
	switch a.Key {
	case slog.MessageKey:
		a.Key = "message"
	case slog.LevelKey:
		a.Value = slog.StringValue(strings.ToLower(a.Value.String()))
	}
	return a
}

// Enabled is true for warnings and errors.
func (h *LogHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle passes a record on.
func (h *LogHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.pipe.repeats(r.Message) {
		return nil
	}
	return h.json.Handle(ctx, r)
}

// WithAttrs is part of [slog.Handler].
func (h *LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &LogHandler{h.json.WithAttrs(attrs), h.pipe}
}

// WithGroup is part of [slog.Handler].
func (h *LogHandler) WithGroup(name string) slog.Handler {
	return &LogHandler{h.json.WithGroup(name), h.pipe}
}

// records are the lines; a nil handler has none.
func (h *LogHandler) records() <-chan []byte {
	if h == nil {
		return nil
	}
	return h.pipe.out
}

// A logPipe takes one line for each Write.
type logPipe struct {
	out chan []byte

	mu   sync.Mutex
	last string
	at   time.Time
}

func (p *logPipe) repeats(message string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if message == p.last && now.Sub(p.at) < time.Minute {
		return true
	}
	p.last, p.at = message, now
	return false
}

func (p *logPipe) Write(line []byte) (int, error) {
	select {
	case p.out <- bytes.Clone(bytes.TrimSpace(line)):
	default:
	}
	return len(line), nil
}
