package discovery

import (
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A phase is what an appliance with programmes is about, whatever its words.
type phase string

const (
	idle      phase = "idle"
	waiting   phase = "waiting" // for a delayed start
	active    phase = "running"
	paused    phase = "paused"
	ready     phase = "ready"     // hot, and waiting for the food
	returning phase = "returning" // to its dock
	docked    phase = "docked"
	done      phase = "finished"
	care      phase = "after_care" // of what is finished
	failed    phase = "error"
)

// phases are the words of run states. A word that is not here changes nothing.
var phases = byWord(map[phase][]string{
	idle: {
		"POWER_OFF", "INITIAL", "SLEEP", "STANDBY", "PREFERENCE", "FROZEN_PREVENT_INITIAL", "LOCK", "CANCEL", "FIRMWARE",
		"FOTA", "DIAGNOSIS", "OVEN_SETTING", "INITIALIZING", "SETDATE", "MONITORING_DETECTING", "MONITORING_MOVING",
		"MONITORING_POSITIONING",
	},
	waiting: {"RESERVED", "RESERVATION"},
	active: {
		"DETECTING", "SOAKING", "RUNNING", "RINSING", "SPINNING", "DRYING", "COOL_DOWN", "COOLING", "PREWASH", "REFRESHING",
		"STEAM_SOFTENING", "DISPENSING", "PROOFING", "SHOES_MODULE", "SMART_GRID_RUN", "CHECKING_TURBIDITY", "CHANGE_CONDITION",
		"DISPLAY_LOADSIZE", "SOFTENING", "ADD_DRAIN", "DETERGENT_AMOUNT", "FROZEN_PREVENT_RUNNING", "PRESTEAM", "PREHEAT",
		"STEAM", "STAY", "STERILIZE", "NIGHT_DRY", "COOKING_IN_PROGRESS", "PREHEATING", "CLEANING", "COOK", "WORKING", "MACROSECTOR",
	},
	paused:    {"PAUSE", "PAUSED", "RINSE_HOLD", "FROZEN_PREVENT_PAUSE"},
	ready:     {"PREHEAT_COMPLETE", "PREHEATING_IS_DONE"},
	returning: {"HOMING"},
	docked:    {"CHARGING", "CHARGING_COMPLETE"},
	done:      {"END", "COMPLETE", "DONE", "RUNNING_END", "COOK_COMPLETE", "CLEANING_IS_DONE"},
	care:      {"WRINKLE_CARE", "END_COOLING"},
	failed:    {"ERROR"},
})

// phaseWords are all phases as payloads, in the order of a programme.
var phaseWords = []string{
	string(idle), string(waiting), string(active), string(paused), string(ready), string(returning),
	string(docked), string(done), string(care), string(failed),
}

// afterwards are active words that some appliances also say when their programme
// is over: an oven cools after the end as a dryer does before it.
var afterwards = map[string]bool{"COOLING": true, "COOL_DOWN": true, "NIGHT_DRY": true}

// weighing are the words of a programme that has not found out yet how long it
// takes: times are those of the last one, and some appliances say already that
// they are complete.
var weighing = map[string]bool{"DETECTING": true, "DISPLAY_LOADSIZE": true, "DETERGENT_AMOUNT": true}

func byWord(words map[phase][]string) map[string]phase {
	table := map[string]phase{}
	for ph, list := range words {
		for _, w := range list {
			table[w] = ph
		}
	}
	return table
}

// within reports whether the times of a programme mean something.
func (ph phase) within() bool { return ph == active || ph == paused || ph == waiting }

// isProgramme reports whether a run state is one of programmes: it can be
// running, and something else that is known.
func isProgramme(p thinq.Property) bool {
	runs, rests := false, false
	for _, o := range p.Read.Options {
		name, _ := o.(string)
		ph := phases[name]
		runs = runs || ph == active
		rests = rests || ph == idle || ph == paused || ph == done
	}
	return runs && rests
}

// completes reports whether a notification says that a programme is over.
func completes(code string) bool {
	of, ok := strings.CutSuffix(strings.TrimSuffix(code, "D"), "_IS_COMPLETE")
	return ok && !halfway[of]
}

// halfway is what can be complete without the programme being over.
var halfway = map[string]bool{"PREHEATING": true, "TIMER": true, "CHARGING": true, "FROZEN": true, "FILTER_RESET": true}
