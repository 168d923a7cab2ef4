package discovery

import (
	"slices"
	"strings"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// away is the composite of a switch for the job mode of a house that nobody is
// in. Home Assistant's water heater calls that mode off, which it is not quite.
type away struct{ Mode, Word string }

const awayKey = "away"

func (a away) build(b *builder) {
	mode := b.find(a.Mode, "")
	if mode == nil || !mode.Readable || !mode.Writable {
		return
	}
	var jobs []string // all others
	gone := ""
	for _, o := range mode.Write.Options {
		name, _ := o.(string)
		if strings.EqualFold(name, a.Word) {
			gone = name
		} else if name != "" {
			jobs = append(jobs, name)
		}
	}
	if gone == "" || len(jobs) == 0 {
		return
	}
	before := derivedPath(b.device.Part, "", "modeBeforeAway")
	b.device.memories = append(b.device.memories, func(now, _, into thinq.State, _ time.Time) {
		if job, _ := now[mode.Path].(string); slices.Contains(jobs, job) {
			into[before] = job
		}
	})
	b.put(Entity{
		Key: awayKey, Platform: Switch, Name: "Away",
		Config: map[string]any{"payload_on": "True", "payload_off": "False", "icon": "mdi:bag-suitcase"},
		Bindings: []Binding{{
			Attr: awayKey, Props: []thinq.Property{mode.Property}, rank: rankMode,
			Codec: Codec{Show: showIs(mode.Path, gone), Take: takeAway(mode.Path, before, gone, jobs)},
		}},
	})
}

// showIs shows whether a value is a word.
func showIs(p thinq.Path, word string) func([]byte, thinq.State) []byte {
	return func(dst []byte, s thinq.State) []byte {
		if s[p] == nil {
			return append(dst, "null"...)
		}
		return appendValue(dst, s[p] == any(word))
	}
}

// takeAway turns the mode on, or back to the last other one.
func takeAway(mode, before thinq.Path, gone string, jobs []string) func(string, thinq.State) (thinq.State, *Rejection) {
	return func(payload string, now thinq.State) (thinq.State, *Rejection) {
		on, rejection := parseBool(strings.TrimSpace(payload))
		last, _ := now[before].(string)
		switch {
		case rejection != nil:
			return nil, rejection
		case on == true:
			return thinq.State{mode: gone}, nil
		case now[mode] != any(gone):
			return nil, nil
		case slices.Contains(jobs, last):
			return thinq.State{mode: last}, nil
		}
		return thinq.State{mode: jobs[0]}, nil
	}
}
