package discovery

import (
	"slices"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A permit is when LG takes a word of an operation.
type permit struct {
	name    string // of the button
	armed   bool   // remote control must be on at the appliance
	phases  []phase
	words   []string // run states beside those of the phases
	never   []string // run states of the phases that are none
	strange bool     // in a run state nobody knows, too
}

// permits are the words with a rule. One that is not here can always be tried.
var permits = map[string]permit{
	"START": {
		name: "Start / resume", armed: true, strange: true,
		phases: []phase{waiting, paused, done},
		words:  []string{"INITIAL", "FROZEN_PREVENT_INITIAL", "PREFERENCE", "ADD_DRAIN", "PREHEATING_IS_DONE"},
	},
	"PREHEATING": {name: "Preheat", armed: true, strange: true, phases: []phase{done}, words: []string{"INITIAL", "PREFERENCE"}},
	"STOP":       {name: "Pause / stop", armed: true, strange: true, phases: []phase{active, ready}},
	"WAKE_UP":    {name: "Wake up", words: []string{"SLEEP"}},
	"POWER_OFF": {
		name: "Power off", strange: true, never: []string{"POWER_OFF"},
		phases: []phase{idle, waiting, active, paused, ready, returning, docked, done, care, failed},
	},
	"POWER_ON": {name: "Power on", words: []string{"POWER_OFF"}},
}

// covers reports whether a word is taken in a run state.
func (p permit) covers(state string) bool {
	ph, known := phases[state]
	switch {
	case state == "":
		return false
	case !known:
		return p.strange
	}
	return slices.Contains(p.words, state) || slices.Contains(p.phases, ph) && !slices.Contains(p.never, state)
}

// allows asks whether LG would take the word now.
func (p panel) allows(word permit) func(thinq.State) bool {
	return func(s thinq.State) bool {
		state, _ := s[p.state.Path].(string)
		return (!word.armed || p.isArmed(s)) && word.covers(state)
	}
}
