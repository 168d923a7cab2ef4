package bridge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/bridge/link"
	"github.com/thinq2mqtt/thinq2mqtt/discovery"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// An ask is one message on bridge/request/<verb>.
type ask struct {
	b    *Bridge
	verb string
	body map[string]json.RawMessage
	bare string // the payload, if it was one word and no object
	m    link.Message
}

// worded are the verbs that take one bare word in place of an object: the
// appliance, or the level.
var worded = map[string]bool{"refresh": true, "device/options": true, "log_level": true}

// verbs are what can be asked of the bridge. A handler answers by [ask.ok] or
// [ask.fail], at once or later.
var verbs = map[string]func(*Bridge, *ask){
	"health_check":   (*Bridge).healthCheck,
	"discover":       (*Bridge).discover,
	"refresh":        (*Bridge).refresh,
	"republish":      func(b *Bridge, a *ask) { b.republish("manual"); a.ok(map[string]any{}) },
	"device/options": (*Bridge).deviceOptions,
	"log_level":      (*Bridge).logLevel,
	"diagnose":       (*Bridge).diagnose,
	"energy":         (*Bridge).usage, // {"device","period":"day"|"month","from","to"}: what was used
	"restart":        (*Bridge).restart,
	"permit_join": func(_ *Bridge, a *ask) {
		a.fail(errors.New("appliances join in the LG ThinQ app; bridge/request/discover looks for new ones"))
	},
}

// What answers a request that is not done.
var (
	errBusy = errors.New("too many messages came at once: send it again")
	errLate = errors.New("it could not be done in time: send it again")
)

// request takes one message in, or answers why that cannot be.
func (b *Bridge) request(m link.Message, verb string, why error) {
	a := &ask{b: b, verb: verb, m: m}
	handle, known := verbs[verb]
	switch {
	case m.Retain && len(m.Payload) == 0:
	case why != nil && known:
		_ = a.parse() // for the transaction
		a.fail(why)
	case m.Retain:
		a.fail(errors.New("a retained request is never executed"))
	case !known:
		a.verb = "unknown" // no topic is made from what somebody sent
		if len(m.Payload) <= commandPayload {
			_ = a.parse() // for the transaction
		}
		a.fail(fmt.Errorf("known are: %s", strings.Join(slices.Sorted(maps.Keys(verbs)), ", ")))
	case len(m.Payload) > commandPayload:
		a.fail(fmt.Errorf("at most %d bytes", commandPayload))
	default:
		if err := a.parse(); err != nil {
			a.fail(err)
			return
		}
		b.log.Info("request", "verb", verb)
		handle(b, a)
	}
}

// parse reads the payload: nothing, an object, or for some verbs a bare word.
func (a *ask) parse() error {
	payload := bytes.TrimSpace(a.m.Payload)
	if len(payload) == 0 || json.Unmarshal(payload, &a.body) == nil {
		return nil
	}
	a.body = nil
	if !worded[a.verb] || bytes.ContainsAny(payload, "{}[]") {
		return errors.New("a JSON object, or nothing, is expected")
	}
	a.bare = strings.Trim(string(payload), `"`)
	return nil
}

// word is a text of the request, or the bare payload; empty if there is none of
// these names.
func (a *ask) word(names ...string) (string, error) {
	for _, name := range names {
		raw, ok := a.body[name]
		if !ok {
			continue
		}
		var s string
		if json.Unmarshal(raw, &s) != nil || s == "" {
			return "", fmt.Errorf("%s must be a text", name)
		}
		return s, nil
	}
	return a.bare, nil
}

// device is the appliance that a request names; nil if it names none.
func (a *ask) device() (*device, error) {
	word, err := a.word("id", "slug", "device")
	if word == "" || err != nil {
		return nil, err
	}
	if d := a.b.find(word); d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("no appliance is called %.64q", word)
}

func (a *ask) ok(data any) { a.respond("ok", data, "") }

func (a *ask) fail(err error) { a.respond("error", nil, err.Error()) }

func (a *ask) respond(status string, data any, problem string) {
	response := map[string]any{"status": status, "data": data}
	if problem != "" {
		response["data"], response["error"] = map[string]any{}, problem
	}
	if t := a.body["transaction"]; t != nil {
		response["transaction"] = t
	}
	payload, err := json.Marshal(response)
	if err != nil {
		payload = []byte(`{"status":"error","error":"the answer cannot be written"}`)
	}
	a.b.emit("bridge", "", a.b.topics.Response(a.verb), payload, resultLife)
	a.b.reply(a.m.Reply, a.m.Correlation, payload)
}

// healthCheck is truthful: it names what is not well.
func (b *Bridge) healthCheck(a *ask) {
	s := b.snapshot()
	a.ok(map[string]any{"healthy": s.Ready, "awaited": s.Awaited, "cloud": s.Cloud, "cloud_text": s.CloudText, "push": s.Push, "calls_left": s.CallsLeft})
}

// discover reads the list. Where LG is asked nothing for now the sender hears that
// at once, and the list is read when it can be.
func (b *Bridge) discover(a *ask) {
	if why := b.unasked(1); why != nil {
		b.hurry()
		a.fail(why)
		return
	}
	b.list(thinq.Background, func(n int, err error) {
		if err != nil {
			a.fail(errors.New(sentence(err)))
			return
		}
		a.ok(map[string]any{"devices": n})
	})
}

// refresh reads one appliance, or all of them.
func (b *Bridge) refresh(a *ask) {
	switch d, err := a.device(); {
	case err != nil:
		a.fail(err)
	case d == nil:
		b.readAll("asked")
		a.ok(map[string]any{"devices": len(b.devices)})
	case d.ignored:
		a.fail(fmt.Errorf("%s is ignored by the configuration", d.slug))
	default:
		d.shout = true
		b.read(d, orderAsked, "asked")
		a.ok(map[string]any{"id": d.info.ID, "slug": d.slug})
	}
}

// deviceOptions shows the options of an appliance, and changes those that do no
// harm. Starting heat is for the owner of the configuration file alone.
func (b *Bridge) deviceOptions(a *ask) {
	d, err := a.device()
	if d == nil {
		a.fail(cmp.Or(err, errors.New("id must name an appliance")))
		return
	}
	now := b.o.Discovery.Settings(d.info.ID, d.slug)
	if raw, ok := a.body["options"]; ok {
		changed, err := changeOptions(now, raw)
		if err != nil {
			a.fail(err)
			return
		}
		b.override(d, changed)
		now = b.o.Discovery.Settings(d.info.ID, d.slug)
	}
	a.ok(map[string]any{"id": d.info.ID, "slug": d.slug, "options": map[string]any{
		"name": now.Name, "optimistic": now.Optimistic, "ignore": now.Ignore, "remote_start": now.RemoteStart, "allow": slices.Concat([]string{}, now.Allow),
	}})
}

func changeOptions(s discovery.Settings, raw json.RawMessage) (discovery.Settings, error) {
	options := struct {
		Name       *string `json:"name"`
		Optimistic *bool   `json:"optimistic"`
	}{&s.Name, &s.Optimistic}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&options); err != nil {
		return s, errors.New("name and optimistic can be changed here, all else in the configuration file")
	}
	if len(s.Name) > 128 {
		return s, errors.New("name: at most 128 bytes")
	}
	return discovery.Settings{Name: s.Name, Optimistic: s.Optimistic}, nil
}

var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// logLevel sets the level until the next start.
func (b *Bridge) logLevel(a *ask) {
	word, err := a.word("level", "log_level")
	level, known := levels[strings.ToLower(word)]
	if err != nil || b.o.Level == nil || !known {
		a.fail(errors.New("level is one of debug, info, warn, error"))
		return
	}
	b.o.Level.Set(level)
	b.publishInfo()
	a.ok(map[string]any{"level": strings.ToLower(level.String())})
}

// diagnose answers what a bug report needs, with ids shortened and without
// anything that names the household.
func (b *Bridge) diagnose(a *ask) {
	problems := map[string][]string{}
	for _, d := range b.ordered() {
		if d.profile != nil && len(d.profile.Problems) > 0 {
			problems[d.slug] = d.profile.Problems
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	a.ok(map[string]any{
		"version": b.o.Version, "commit": b.o.Commit, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
		"goroutines": runtime.NumGoroutine(), "heap_bytes": memory.HeapAlloc, "outbox": b.outbox.waiting(),
		"snapshot": b.snapshot().anonymous(), "profile_problems": problems, "events_lost": b.lost.Load(),
	})
}

func (b *Bridge) restart(a *ask) {
	if b.o.Restart == nil {
		a.fail(errors.New("this process cannot restart itself"))
		return
	}
	a.ok(map[string]any{})
	b.o.Restart()
}
