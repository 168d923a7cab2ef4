package thinqtest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A programme is what an appliance does when it is started: its run states with
// the share of time that each takes, then the one at the end.
type programme struct {
	appliances []string // device types without DEVICE_, or parts of a tower
	phases     []phase
	end        string
	minutes    int // where the state does not say how long it takes
	pushes     []string
}

type phase struct {
	state string
	share float64
}

var washing = []phase{{"DETECTING", .04}, {"RUNNING", .51}, {"RINSING", .27}, {"SPINNING", .18}}

// washAndDry is what combined machines do in the mode of that name.
var washAndDry = []phase{{"DETECTING", .02}, {"RUNNING", .23}, {"RINSING", .12}, {"SPINNING", .08}, {"DRYING", .5}, {"COOL_DOWN", .05}}

// programmes of the appliances that have one of their own.
var programmes = []programme{
	{[]string{"WASHER", "WASHTOWER_WASHER", "WASHCOMBO_MAIN", "WASHCOMBO_MINI", "washer"}, washing, "END", 65,
		[]string{"WASHING_IS_COMPLETE"}},
	{[]string{"DRYER", "WASHTOWER_DRYER", "dryer"}, []phase{{"DETECTING", .03}, {"RUNNING", .82}, {"COOLING", .15}}, "END", 95,
		[]string{"DRYING_IS_COMPLETE"}},
	{[]string{"DISH_WASHER"}, []phase{{"RUNNING", .55}, {"RINSING", .2}, {"DRYING", .25}}, "END", 125,
		[]string{"CLEANING_IS_COMPLETE"}},
	{[]string{"STYLER"}, []phase{{"PRESTEAM", .1}, {"STEAM", .4}, {"DRYING", .4}, {"COOLING", .1}}, "COMPLETE", 39,
		[]string{"STYLING_IS_COMPLETE"}},
	{[]string{"OVEN"}, []phase{{"COOKING_IN_PROGRESS", 1}}, "DONE", 30, []string{"COOKING_IS_COMPLETE"}},
	{[]string{"MICROWAVE_OVEN"}, []phase{{"COOK", 1}}, "COOK_COMPLETE", 3, []string{"COOKING_IS_COMPLETE"}},
	{[]string{"COOKTOP"}, []phase{{"COOK", 1}}, "INITIAL", 20, []string{"COOKING_IS_COMPLETE"}},
	{[]string{"ROBOT_CLEANER"}, []phase{{"WORKING", 1}}, "HOMING", 45, nil},
}

// A step is how one run state follows another by itself.
type step struct {
	from  []string
	after int // minutes
	to    string
	push  string // if the profile lists it
}

var steps = []step{
	{[]string{"END", "COMPLETE", "RUNNING_END", "CANCEL"}, 5, "POWER_OFF", ""},
	{[]string{"WRINKLE_CARE"}, 60, "POWER_OFF", ""},
	{[]string{"DONE", "COOK_COMPLETE", "CLEANING_IS_DONE"}, 5, "INITIAL", ""},
	{[]string{"PREHEATING"}, 8, "COOKING_IN_PROGRESS", "PREHEATING_IS_COMPLETE"},
	{[]string{"PREHEATING_IS_DONE"}, 1, "COOKING_IN_PROGRESS", ""},
	{[]string{"WORKING"}, 45, "HOMING", "CLEANING_IS_COMPLETED"},
	{[]string{"HOMING"}, 2, "CHARGING", ""},
	{[]string{"CHARGING"}, 90, "STANDBY", ""},
}

// programme is what the section runs.
func (s *section) programme() programme {
	kind := cmp.Or(s.part, strings.TrimPrefix(s.device, "DEVICE_"))
	i := slices.IndexFunc(programmes, func(p programme) bool { return slices.Contains(p.appliances, kind) })
	if i < 0 {
		return s.guessed()
	}
	p := programmes[i]
	if strings.Contains(s.word("mode", "washerMode"), "DRY") {
		p.phases = washAndDry
		p.pushes = append([]string{"DRYING_IS_COMPLETE"}, p.pushes...)
	}
	return p
}

// guessed is the programme of an appliance that nobody knows: every active run
// state of its profile for an equal share of the time.
func (s *section) guessed() programme {
	p := programme{end: "INITIAL", minutes: 30}
	for _, state := range s.runStates() {
		if slices.Contains(active, text(state)) {
			p.phases = append(p.phases, phase{state: text(state)})
		}
	}
	for i := range p.phases {
		p.phases[i].share = 1 / float64(len(p.phases))
	}
	for _, end := range []string{"DONE", "COMPLETE", "END"} {
		if s.knows(end) {
			p.end = end
		}
	}
	for _, code := range s.pushes {
		if strings.Contains(code, "IS_COMPLETE") {
			p.pushes = append(p.pushes, code)
		}
	}
	return p
}

// runStates are those that the profile lists.
func (s *section) runStates() []any {
	for _, resource := range []string{"runState", "cookingZone"} {
		if d, has := s.descriptor(resource, "currentState"); has {
			return choices(d, "r")
		}
	}
	return nil
}

// knows says whether the appliance has a run state.
func (s *section) knows(state string) bool { return slices.Contains(s.runStates(), any(state)) }

// enter changes the run state, if the appliance has the new one.
func (s *section) enter(state string) {
	if !s.knows(state) {
		return
	}
	for _, resource := range []string{"runState", "cookingZone"} {
		if r, ok := s.state[resource].(map[string]any); ok && r["currentState"] != nil {
			r["currentState"] = state
			return
		}
	}
}

// command carries out START, STOP and their like.
func (s *section) command(word string) {
	state := s.runState()
	switch word {
	case "START", "RESUME":
		s.start(state)
	case "STOP", "PAUSE":
		s.stop(state)
	case "HOMING", "PREHEATING":
		s.enter(word)
	case "POWER_OFF":
		s.clearDelays()
		s.enter("POWER_OFF")
	case "POWER_ON", "WAKE_UP":
		s.enter("STANDBY")
		s.enter("INITIAL")
	}
}

// start begins the programme, or goes on with it after a pause.
func (s *section) start(state string) {
	p := s.programme()
	paused := strings.HasPrefix(state, "PAUSE") || state == "RINSE_HOLD"
	if !paused {
		s.setRemaining(60 * s.duration(p))
	}
	s.clearDelays()
	if s.knows("PREHEATING") && !paused {
		s.enter("PREHEATING")
		return
	}
	s.enter(s.phase(p, ""))
}

// stop pauses; what has not begun, or cannot pause, goes back to the beginning.
func (s *section) stop(state string) {
	s.clearDelays()
	switch {
	case strings.HasPrefix(state, "RESERV") || s.word("cook", "cookMode") != "":
		s.enter("INITIAL")
	case s.knows("PAUSE"):
		s.enter("PAUSE")
	default:
		s.enter("INITIAL")
	}
}

// duration is how long the programme takes: what the state says, or the usual.
func (s *section) duration(p programme) int {
	t := s.resource("timer")
	minutes := 60*int(number(t["totalHour"])) + int(number(t["totalMinute"]))
	if _, has := t["targetMinute"]; has {
		return 60*int(number(t["targetHour"])) + int(number(t["targetMinute"]))
	}
	if minutes > 0 {
		return minutes
	}
	if _, has := t["totalMinute"]; has {
		t["totalHour"], t["totalMinute"] = float64(p.minutes/60), float64(p.minutes%60)
	}
	return p.minutes
}

// phase is the run state at this point of the programme, never an earlier one
// than now.
func (s *section) phase(p programme, now string) string {
	phases := slices.DeleteFunc(slices.Clone(p.phases), func(ph phase) bool { return !s.knows(ph.state) })
	if len(phases) == 0 {
		return now
	}
	total := max(1, 60*s.duration(p))
	elapsed := 1 - float64(s.remaining())/float64(total)
	at := 0
	for sum := phases[0].share; at < len(phases)-1 && elapsed >= sum; sum += phases[at].share {
		at++
	}
	return phases[max(at, slices.IndexFunc(phases, func(ph phase) bool { return ph.state == now }))].state
}

// remaining is the time left in seconds.
func (s *section) remaining() int {
	t, _ := s.state["timer"].(map[string]any)
	return 3600*int(number(t["remainHour"])) + 60*int(number(t["remainMinute"])) + int(number(t["remainSecond"]))
}

// setRemaining writes the time left, in as many fields as the appliance has.
func (s *section) setRemaining(seconds int) {
	t, ok := s.state["timer"].(map[string]any)
	if !ok {
		return
	}
	for _, field := range []struct {
		name string
		unit int
	}{{"remainHour", 3600}, {"remainMinute", 60}, {"remainSecond", 1}} {
		_, described := s.descriptor("timer", field.name)
		if _, has := t[field.name]; !has && !described {
			continue
		}
		t[field.name] = float64(seconds / field.unit)
		seconds %= field.unit
	}
}

// clearDelays: laundry shows an unset timer as 0.
func (s *section) clearDelays() {
	t, ok := s.state["timer"].(map[string]any)
	if !ok || !s.laundry() {
		return
	}
	for _, name := range []string{timers[0].hour, timers[0].minute, timers[1].hour, timers[1].minute} {
		if _, has := t[name]; has {
			t[name] = 0.0
		}
	}
}

// reserve puts the programme off until a timer says so.
func (s *section) reserve() {
	if s.runState() == "INITIAL" {
		s.setRemaining(60 * s.duration(s.programme()))
		s.enter("RESERVED")
	}
}

// minute lets a minute pass and returns the notifications that it brings.
func (s *section) minute(now time.Time) (pushes []string) {
	state := s.runState()
	if s.minutes++; state != s.was {
		s.was, s.minutes = state, 0
	}
	switch {
	case strings.HasPrefix(state, "RESERV"):
		s.countDelays()
	case s.laundry() || s.runState() != "":
		pushes = append(s.countDown(state), s.rest(state)...)
	default:
		s.setRemaining(max(0, s.remaining()-60))
	}
	if !s.laundry() || s.hasWord("timer", timers[2].hour) {
		s.countTimers(now)
	}
	return slices.DeleteFunc(pushes, func(code string) bool { return !slices.Contains(s.pushes, code) })
}

// countDown takes a minute off a running programme.
func (s *section) countDown(state string) []string {
	p := s.programme()
	inProgramme := slices.ContainsFunc(p.phases, func(ph phase) bool { return ph.state == state })
	if left := s.remaining(); left > 0 && (inProgramme || slices.Contains(active, state) && !strings.HasPrefix(state, "PREHEATING")) {
		s.setRemaining(max(0, left-60))
		if left > 60 {
			s.enter(s.phase(p, state))
			return nil
		}
		return s.finish(p)
	}
	return nil
}

func (s *section) finish(p programme) []string {
	s.enter(p.end)
	if _, zone := s.state["cookingZone"]; zone {
		s.zoneOff()
	}
	if cycle, ok := s.state["cycle"].(map[string]any); ok {
		cycle["cycleCount"] = number(cycle["cycleCount"]) + 1
	}
	return slices.Clone(p.pushes)
}

// rest goes on to the next run state where that takes no command.
func (s *section) rest(state string) []string {
	for _, st := range steps {
		if slices.Contains(st.from, state) && s.minutes >= st.after && s.runState() == state {
			s.enter(st.to)
			return []string{st.push}
		}
	}
	return nil
}

// countDelays starts a programme that was put off: at the time to start, or so
// that it ends at the time to stop.
func (s *section) countDelays() {
	t := s.resource("timer")
	for _, delay := range timers[:2] {
		left := minutesOf(t, delay)
		if left == 0 {
			continue
		}
		left--
		t[delay.hour] = float64(left / 60)
		if _, has := t[delay.minute]; has {
			t[delay.minute] = float64(left % 60)
		}
		due := 0
		if !delay.start {
			due = s.duration(s.programme())
		}
		if left <= due {
			s.start(s.runState())
			return
		}
	}
}

// countTimers runs the timers that switch on and off.
func (s *section) countTimers(now time.Time) {
	since := s.absolute
	s.absolute = now
	for _, resource := range []string{"timer", "sleepTimer"} {
		shown, ok := s.state[resource].(map[string]any)
		if !ok {
			continue
		}
		for _, t := range timers {
			if t.relative && t.countDown(shown) || !t.relative && t.reached(shown, since, now) {
				t.clear(shown)
				s.switchPower(t.start)
			}
		}
	}
}

// countDown takes a minute off and says whether it was the last.
func (t timer) countDown(shown map[string]any) bool {
	left := minutesOf(shown, t)
	if left == 0 {
		return false
	}
	left--
	if _, has := shown[t.minute].(float64); has || left%60 == 0 {
		shown[t.hour] = float64(left / 60)
	}
	if _, has := shown[t.minute].(float64); has {
		shown[t.minute] = float64(left % 60)
	}
	return left == 0
}

// reached says whether a time of day came since the last look.
func (t timer) reached(shown map[string]any, since, now time.Time) bool {
	hour, set := shown[t.hour].(float64)
	if !set || since.IsZero() || shown[t.word] == "UNSET" {
		return false
	}
	at := time.Date(now.Year(), now.Month(), now.Day(), int(hour), int(number(shown[t.minute])), 0, 0, now.Location())
	return at.After(since) && !at.After(now)
}

func (s *section) switchPower(on bool) {
	word := "POWER_OFF"
	if on {
		word = "POWER_ON"
	}
	if power := s.powerSwitch(); power != "" {
		s.resource("operation")[power] = word
	} else if on {
		s.start(s.runState())
	}
}
