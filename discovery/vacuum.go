package discovery

import (
	"maps"
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// robot is the composite of a robot cleaner. Home Assistant wants its state as a
// JSON object on a topic of its own.
type robot struct {
	State     string // "runState.currentState"
	Operation string // "operation.cleanOperationMode"
	Proof     string // a word that the operation must have, where the type does not say that it is a robot
}

const vacuumKey = "vacuum"

// robotStates are Home Assistant's words for run states; all others are idle.
var robotStates = map[string]string{
	"CHARGING": "docked", "HOMING": "returning", "PAUSE": "paused", "WORKING": "cleaning", "MACROSECTOR": "cleaning", "ERROR": "error",
}

// A robotOrder is what a command of Home Assistant is for LG: the word for the
// present run state, or the usual one.
type robotOrder struct {
	payload string
	feature string
	word    string
	by      map[string]string // run state -> word
}

var robotOrders = []robotOrder{
	{"start", "start", "START", map[string]string{"SLEEP": "WAKE_UP", "PAUSE": "RESUME"}},
	{"pause", "pause", "PAUSE", nil},
	{"stop", "stop", "PAUSE", nil},
	{"return_to_base", "return_home", "HOMING", nil},
}

func (r robot) build(b *builder) {
	state, op := b.find(r.State, ""), b.firstOf(r.Operation)
	if state == nil || op == nil || !state.Readable {
		return
	}
	if r.Proof != "" && !slices.Contains(op.Write.Options, any(r.Proof)) || !b.claim(vacuumKey) {
		return
	}
	c := b.compose(vacuumKey, "Vacuum", Vacuum)
	features := []string{"status"}
	for _, o := range robotOrders {
		if len(o.words(op)) > 0 {
			features = append(features, o.feature)
		}
	}
	c.entity.Config["supported_features"] = features
	show := func(dst []byte, s thinq.State) []byte {
		name, ok := s[state.Path].(string)
		if !ok {
			return append(dst, "null"...)
		}
		return appendString(dst, or(robotStates[name], "idle"))
	}
	binding := c.bind("", rankValue, Codec{Show: show, Take: takeRobot(op, state)}, op)
	binding.Attr, binding.wakes = vacuumKey, false
	c.entity.Extra = func(dst []byte, s thinq.State) []byte {
		return append(show(append(dst, `{"state":`...), s), '}')
	}
	b.consume(vacuumKey, op)
	b.put(c.entity)
}

// words are those of the order that a model takes, the usual one first.
func (o robotOrder) words(op *value) []string {
	var words []string
	for _, w := range append([]string{o.word}, slices.Sorted(maps.Values(o.by))...) {
		if slices.Contains(op.Write.Options, any(w)) {
			words = append(words, w)
		}
	}
	return words
}

// in is the word for a run state: the one that belongs there, or where the model
// has not got it, the usual one; empty if it has neither.
func (o robotOrder) in(state string, op *value) string {
	words := o.words(op)
	if w := o.by[state]; slices.Contains(words, w) {
		return w
	}
	if slices.Contains(words, o.word) {
		return o.word
	}
	return ""
}

// takeRobot finds LG's word for a command of Home Assistant, or takes LG's own.
func takeRobot(op, state *value) func(string, thinq.State) (thinq.State, *Rejection) {
	return func(payload string, now thinq.State) (thinq.State, *Rejection) {
		asked := strings.ToLower(strings.TrimSpace(payload))
		name, _ := now[state.Path].(string)
		for _, o := range robotOrders {
			if o.payload != asked {
				continue
			}
			wanted := o.in(name, op)
			if wanted == "" {
				return nil, invalid(cited(payload)+" is not possible with this model", wordsOf(op.Write.Options))
			}
			return thinq.State{op.Path: wanted}, nil
		}
		v, rejection := parseWord(op.Write.Options, asked)
		if rejection != nil {
			return nil, rejection
		}
		return thinq.State{op.Path: v}, nil
	}
}
