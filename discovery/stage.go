package discovery

import (
	"slices"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// staging is the composite of values that LG takes only with the order to start,
// because set alone they would start the appliance. The bridge remembers them,
// and they leave together with that order, in one call for each place.
type staging struct {
	Operation string   // "operation.ovenOperationMode"
	State     string   // "runState.currentState"
	Values    []string // resource.name
}

// startWords are the orders that begin a programme.
var startWords = []any{"START", "PREHEATING"}

// A stage is what is remembered for the next start of one place.
type stage struct {
	operation thinq.Path
	state     thinq.Path
	underway  thinq.Path // remembered: a programme has begun
	values    []thinq.Property
	memory    map[thinq.Path]thinq.Path // where the wish for a value is remembered
}

// build stages the values of every place that can be started. Where nobody can
// start it from afar they can only be read.
func (g staging) build(b *builder) {
	for _, v := range b.values {
		if !v.Writable || !slices.Contains(g.Values, v.Path.Key()) {
			continue
		}
		op := b.find(g.Operation, v.Path.Location)
		if op == nil || !op.Writable || !slices.ContainsFunc(op.Write.Options, isStart) {
			v.Writable = false
			if !v.Readable {
				v.row.Hidden = "the appliance cannot be started from afar"
			}
			continue
		}
		b.stageAt(g, op).hold(v)
	}
	for _, st := range b.device.stages {
		for _, p := range st.values {
			b.reported(b.byPath[p.Path])
		}
	}
}

func isStart(word any) bool { return slices.Contains(startWords, word) }

// stageAt is the stage of a place, made with its first value.
func (b *builder) stageAt(g staging, op *value) *stage {
	for _, st := range b.device.stages {
		if st.operation == op.Path {
			return st
		}
	}
	st := &stage{
		operation: op.Path,
		underway:  derivedPath(op.Path.Part, op.Path.Location, "underway"),
		memory:    map[thinq.Path]thinq.Path{},
	}
	if state := b.find(g.State, op.Path.Location); state != nil {
		st.state = state.Path
	}
	b.device.stages = append(b.device.stages, st)
	b.device.memories = append(b.device.memories, st.follow)
	return st
}

// hold makes v wait for the start.
func (st *stage) hold(v *value) {
	v.stage = st
	st.values = append(st.values, v.Property)
	st.memory[v.Path] = derivedPath(v.Path.Part, v.Path.Location, "staged."+v.Path.Key()+v.Path.Unit)
}

// reportedPrefix begins the keys of what an appliance itself says of a staged value.
const reportedPrefix = "reported_"

// reported shows what the appliance itself says of a staged value.
func (b *builder) reported(v *value) {
	stem, _ := split(v.Path.Name)
	if !v.Readable || stem != "" {
		return
	}
	c := map[string]any{}
	b.sensor(v, c)
	decorate(c, v.finalWord(Sensor), Sensor)
	b.reportedSensor(v.Path, v.key, v.word.Name, c, showProperty(v.Property))
}

// reportedTimer does the same with a time.
func (b *builder) reportedTimer(t *timer, key, name, icon string) {
	b.reportedSensor(t.parts[0].Path, key, name, t.describe(icon), func(dst []byte, s thinq.State) []byte {
		if minutes, ok := t.read(s); ok && minutes > 0 {
			return appendNumber(dst, minutes)
		}
		return append(dst, "null"...)
	})
}

func (b *builder) reportedSensor(at thinq.Path, key, name string, c map[string]any, show func([]byte, thinq.State) []byte) {
	place := locationKey(at.Location)
	short := key[len(place):]
	key = place + reportedPrefix + short
	b.put(Entity{
		Key: key, Platform: Sensor, Name: b.named(at.Location, "Reported "+lowerFirst(or(name, sentence(short)))),
		Config: c, Bindings: []Binding{{Attr: key, Codec: Codec{Show: show}}},
	})
}

// plan is what the next start would order: what is staged, else what is
// reported.
func (st *stage) plan(s thinq.State) thinq.State {
	plan := make(thinq.State, len(st.values))
	for _, p := range st.values {
		if plan[p.Path] = s[st.memory[p.Path]]; plan[p.Path] == nil {
			plan[p.Path] = s[p.Path]
		}
	}
	return plan
}

// codec shows the plan, and makes wishes part of it. A nil stage leaves the
// codec of a value as it is.
func (st *stage) codec(c Codec) Codec {
	if st == nil {
		return c
	}
	show, take := c.Show, c.Take
	if show != nil {
		c.Show = func(dst []byte, s thinq.State) []byte { return show(dst, st.plan(s)) }
	}
	if take != nil {
		c.Take = func(payload string, now thinq.State) (thinq.State, *Rejection) {
			wish, rejection := take(payload, st.plan(now))
			if rejection != nil {
				return nil, rejection
			}
			return st.remember(wish, now)
		}
	}
	return c
}

// remember is a wish for the memory. A value that is reported already needs
// none.
func (st *stage) remember(wish, now thinq.State) (thinq.State, *Rejection) {
	into, plan := thinq.State{}, st.plan(now)
	for _, p := range st.values {
		v, wished := wish[p.Path]
		if !wished || plan[p.Path] == v {
			continue
		}
		if err := p.Check(v); err != nil {
			return nil, invalid(err.Error(), allowed(p))
		}
		if into[st.memory[p.Path]] = v; now[p.Path] == v {
			into[st.memory[p.Path]] = nil
		}
	}
	return into, nil
}

// staged reports whether anything waits for the start.
func (st *stage) staged(s thinq.State) bool {
	return slices.ContainsFunc(st.values, func(p thinq.Property) bool { return s[st.memory[p.Path]] != nil })
}

// complete adds the plan to an order to start. What is paused and nothing
// waits for just goes on.
func (st *stage) complete(wish, now thinq.State) {
	state, _ := now[st.state].(string)
	if !isStart(wish[st.operation]) || phases[state] == paused && !st.staged(now) {
		return
	}
	plan := st.plan(now)
	for _, p := range st.values {
		_, given := wish[p.Path]
		if v := plan[p.Path]; !given && v != nil && p.Check(v) == nil && !st.isNoTime(p, now) {
			wish[p.Path] = v
		}
	}
}

// isNoTime reports whether a part of a timer is 0 because no time is set.
func (st *stage) isNoTime(p thinq.Property, now thinq.State) bool {
	stem, _ := split(p.Path.Name)
	if stem == "" {
		return false
	}
	for _, q := range st.values {
		other, _ := split(q.Path.Name)
		f, _ := now[q.Path].(float64)
		if other == stem && (f != 0 || now[st.memory[q.Path]] != nil) {
			return false
		}
	}
	return true
}

// follow forgets what was staged when a programme begins, by whomever, and a
// value when the appliance has it.
func (st *stage) follow(now, _, into thinq.State, _ time.Time) {
	was, _ := now[st.underway].(bool)
	underway := was
	name, _ := now[st.state].(string)
	if ph, known := phases[name]; known {
		underway = ph == active || ph == waiting || ph == ready
	}
	into[st.underway] = underway
	for _, p := range st.values {
		if memory := st.memory[p.Path]; underway && !was || now[memory] == now[p.Path] {
			into[memory] = nil
		}
	}
}
