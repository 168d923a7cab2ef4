package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

const (
	auditFile  = "audit.log"
	auditSize  = 10 << 20
	auditFiles = 5
	auditQueue = 4096            // lines that may wait for the disk
	auditWait  = 3 * time.Second // of a hazard for its line
)

// An audit is the record of commands: one line before a command goes to LG, one
// when it has ended. What may do harm goes only when its line is on the disk;
// nothing else waits for it.
type audit struct {
	path    string
	size    int64 // of one file
	entries chan auditEntry

	file *os.File // nil: not open; like all below of the writer alone
	at   int64    // its length
	ill  bool     // the last line could not be written
}

// An auditEntry is a line on its way. Done, if set, hears when it is on the disk.
type auditEntry struct {
	line []byte
	done chan<- error
}

// newAudit keeps a record at a path; nil without one.
func newAudit(s *Store) *audit {
	if s == nil {
		return nil
	}
	return &audit{path: s.path(auditFile), size: auditSize, entries: make(chan auditEntry, auditQueue)}
}

// record has a line written some time. It never blocks.
func (b *Bridge) record(line []byte) {
	if b.trail == nil {
		return
	}
	select {
	case b.trail.entries <- auditEntry{line: line}:
	default:
		b.m.writes.WithLabelValues(auditFile, "dropped").Inc()
	}
}

// insist returns when a line is on the disk, or cannot be.
func (a *audit) insist(ctx context.Context, line []byte) error {
	ctx, cancel := context.WithTimeout(ctx, auditWait)
	defer cancel()
	done := make(chan error, 1)
	select {
	case a.entries <- auditEntry{line, done}:
	case <-ctx.Done():
		return errors.New("the disk is too slow")
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("the disk is too slow")
	}
}

// keepAudit writes until ctx ends, and then what still waits.
func (b *Bridge) keepAudit(ctx context.Context, a *audit) {
	defer a.close()
	for {
		select {
		case e := <-a.entries:
			b.enter(ctx, a, e)
		case <-ctx.Done():
			for len(a.entries) > 0 {
				b.enter(ctx, a, <-a.entries)
			}
			return
		}
	}
}

// enter writes a line, and has it told when that cannot be done, and when it can
// again.
func (b *Bridge) enter(ctx context.Context, a *audit, e auditEntry) {
	err := a.write(e.line, e.done != nil)
	if e.done != nil {
		e.done <- err
	}
	b.m.writes.WithLabelValues(auditFile, map[bool]string{true: "ok", false: "error"}[err == nil]).Inc()
	if a.ill || err != nil {
		a.ill = err != nil
		b.post(ctx, func() { b.recorded(err) })
	}
}

// recorded notes how the last line went, if it or the one before failed.
func (b *Bridge) recorded(err error) {
	if err == nil {
		b.well(troubleRecord)
		return
	}
	b.troubled(troubleRecord, "the record of commands cannot be written: "+err.Error()+"; what may do harm is rejected until it can")
}

// write appends a line; sync waits for the disk.
func (a *audit) write(line []byte, sync bool) error {
	err := a.open(int64(len(line)))
	if err == nil {
		_, err = a.file.Write(line)
	}
	if err == nil && sync {
		err = a.file.Sync()
	}
	if err != nil {
		a.repair()
		return err
	}
	a.at += int64(len(line))
	return nil
}

// open makes sure that there is a file, with room for a line if that can be had.
func (a *audit) open(n int64) error {
	if a.file == nil {
		if err := a.reopen(); err != nil {
			return err
		}
	}
	if a.at == 0 || a.at+n <= a.size {
		return nil
	}
	a.close()
	a.rotate()
	return a.reopen()
}

func (a *audit) reopen() error {
	// A link here would have been planted: our own files are never links.
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	a.file, a.at = f, info.Size()
	return nil
}

// rotate makes room: audit.log.1 is the newest of the older files.
func (a *audit) rotate() {
	for n := auditFiles - 1; n > 0; n-- {
		from := a.path
		if n > 1 {
			from += "." + strconv.Itoa(n-1)
		}
		os.Rename(from, a.path+"."+strconv.Itoa(n)) // if it cannot be, the file grows
	}
}

// repair takes back half a line, and begins with the file anew.
func (a *audit) repair() {
	if a.file != nil {
		a.file.Truncate(a.at)
	}
	a.close()
}

func (a *audit) close() {
	if a.file != nil {
		a.file.Close()
		a.file = nil
	}
}

// An auditLine is what is recorded of a command. There is nothing in it of what
// was sent but the names of attributes.
type auditLine struct {
	Time        time.Time         `json:"time"`
	Stage       string            `json:"stage"` // "call": it is about to go to LG; "end"
	Transaction string            `json:"transaction"`
	Device      string            `json:"device,omitempty"`
	Topic       string            `json:"topic"`
	Attributes  map[string]string `json:"attributes"` // class of value by name
	Decision    string            `json:"decision"`
	Rule        string            `json:"rule"`
	Duration    int64             `json:"duration_ms"`
}

// recorded is a line about a command.
func (c *command) recorded(stage, decision, rule string) []byte {
	now := time.Now()
	line, err := json.Marshal(auditLine{
		Time: now.UTC(), Stage: stage, Transaction: discovery.Excerpt(c.label()), Device: c.slug, Topic: discovery.Excerpt(c.topic),
		Attributes: classes(c.attrs), Decision: decision, Rule: rule, Duration: now.Sub(c.received).Milliseconds(),
	})
	if err != nil {
		line = fmt.Appendf(nil, "{%q:%q}", "decision", decision)
	}
	return append(line, '\n')
}

// classes say of what kind values are, and not what they are.
func classes(attrs map[string]string) map[string]string {
	all := map[string]string{}
	for name, text := range attrs {
		class := "word"
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			class = "number"
		} else if _, err := strconv.ParseBool(text); err == nil {
			class = "boolean"
		}
		all[discovery.Excerpt(name)] = class
	}
	return all
}

// rule is why a command may be sent.
func (c *command) rule() string {
	switch {
	case c.risky:
		return "remote_start"
	case c.safe:
		return "safe"
	}
	return "usual"
}

// recordCall records the commands of a batch before its first call. What it
// returns must succeed before that is made.
func (b *Bridge) recordCall(f *batch) (insist func(ctx context.Context) error) {
	insist = func(context.Context) error { return nil }
	if b.trail == nil || f.recorded {
		return insist
	}
	f.recorded = true
	var lines []byte
	for _, c := range f.commands {
		if !c.ended {
			lines = slices.Concat(lines, c.recorded("call", "sent", c.rule()))
		}
	}
	if f.risky {
		return func(ctx context.Context) error { return b.trail.insist(ctx, lines) }
	}
	b.record(lines)
	return insist
}

// unrecorded ends a batch of which there can be no record.
func (b *Bridge) unrecorded(d *device, f *batch, err error) {
	if d.orders.flying == f {
		b.reject(d, f, &rejection{Reason: "no_record", Message: "The record of commands cannot be written, so nothing is started that may do harm: " + err.Error()})
	}
}
