package bridge

import "log/slog"

// A LogHandler passes warnings and errors on to bridge/logging. It is made
// before the bridge, joined to the daemon's handler, and given to [Options].
type LogHandler struct{ slog.Handler }

// NewLogHandler makes one; what is logged before the bridge runs waits in a
// small buffer.
func NewLogHandler() *LogHandler { panic("unwritten") }
