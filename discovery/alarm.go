package discovery

import (
	"slices"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// alarms are words that say that something is wrong or there, with the device
// class of a sensor that tells them from calm; empty: nothing follows from the
// word alone.
var alarms = map[string]string{
	"FIRE": "smoke", "SMOKE": "smoke", "LEAK": "moisture", "LEAKAGE": "moisture", "FLOOD": "moisture",
	"GAS": "gas", "CO": "carbon_monoxide", "MOTION": "motion", "TAMPER": "tamper", "TAMPERED": "tamper", "DETECTED": "",
	"ALARM": "problem", "ALERT": "problem", "DANGER": "problem", "WARNING": "problem", "EMERGENCY": "problem", "UNSAFE": "problem",
	"ABNORMAL": "problem", "FAULT": "problem", "ERROR": "problem", "PROBLEM": "problem", "FAIL": "problem", "FAILURE": "problem",
}

// calms are words that say that nothing is.
var calms = []string{
	"NORMAL", "SAFE", "OK", "NONE", "CLEAR", "CLEARED", "UNDETECTED", "NOT_DETECTED", "NON_DETECTED", "NO_DETECTED",
}

// isAlarm reports whether of two words the first is an alarm and the second is
// none: FIRE and NORMAL, LEAK_DETECTED and NO_LEAK.
func isAlarm(on, off string) bool {
	_, known := alarms[stemOf(on)]
	return known && (slices.Contains(calms, off) || denies(off, on))
}

// stemOf is an alarm without what only says that it is one: LEAK of
// LEAK_DETECTED.
func stemOf(name string) string {
	for _, end := range []string{"_DETECTED", "_DETECT", "_ALARM", "_ALERT", "_WARNING", "_DANGER"} {
		if stem, ok := strings.CutSuffix(name, end); ok && stem != "" {
			return stem
		}
	}
	return name
}

// denies reports whether a word says no to another: NO_LEAK to LEAK.
func denies(no, yes string) bool {
	for _, not := range []string{"NO_", "NOT_", "NON_"} {
		if stem, ok := strings.CutPrefix(no, not); ok && stemOf(stem) == stemOf(yes) {
			return true
		}
	}
	return false
}

// alarmOf is what a value that is on or off is a sensor of: by its name, by that
// of its resource if it is an alarm, by its word. What nothing is known of but
// that it is an alarm is a problem.
func alarmOf(p thinq.Property) (Word, bool) {
	if !p.Readable || natureOf(p) != pairOf {
		return Word{}, p.Readable && alarmAmong(p.Read.Options)
	}
	on, off, _ := pair(readOptions(p))
	on, off = strings.ToUpper(on), strings.ToUpper(off)
	h, hinted := hint(p.Path.Name)
	if specific := hinted && h.Binary != "problem"; specific || !isAlarm(on, off) && !detects(p.Path.Name) && !hinted {
		return h, hinted
	}
	if r, ok := hint(p.Path.Resource); ok && r.Binary != "problem" && r.Binary != "door" {
		return r, true
	}
	class := or(alarms[stemOf(on)], h.Binary)
	if class == "" && off == "NORMAL" {
		class = "problem"
	}
	return Word{Binary: class}, hinted || class != "" || isAlarm(on, off)
}

// alarmAmong reports whether there is an alarm among some words that says of
// what, and calm: NORMAL, WARNING, FIRE. Nobody wants to look for that sensor.
func alarmAmong(options []any) bool {
	calm, alarm := false, false
	for _, o := range options {
		name, _ := o.(string)
		name = strings.ToUpper(name)
		class := alarms[stemOf(name)]
		calm = calm || slices.Contains(calms, name)
		alarm = alarm || class != "" && class != "problem"
	}
	return calm && alarm
}

// detects reports whether a name is that of a detector: its resource says of what.
func detects(name string) bool { return strings.Contains(strings.ToLower(name), "detect") }
