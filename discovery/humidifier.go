package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// humidity is the composite of what makes air wetter or drier. Home Assistant
// wants a target of it, which some models have in no mode; they refuse one in
// words.
type humidity struct {
	Class   string // device class: humidifier or dehumidifier
	Action  string // what it does while it is on
	Power   string
	Mode    string
	Current []string // of the measured humidity; the first that is there
	Reached func(current, target float64) bool
}

const (
	humidifierKey  = "humidifier"
	targetHumidity = "humidity.targetHumidity"
)

// restless are job modes that go on whatever the humidity is, restful those that
// leave it as it is.
var (
	restless = map[any]bool{"CLOTHES_DRY": true, "INTENSIVE_DRY": true}
	restful  = map[any]bool{"AIR_CLEAN": true}
)

// A moistener is a humidifier or dehumidifier while its entity is made.
type moistener struct {
	composer
	humidity
	mode, target, current *value // nil: it has none
}

func (h humidity) build(b *builder) {
	power := b.firstOf(h.Power)
	if power == nil {
		return
	}
	m := &moistener{composer: b.compose(humidifierKey, sentence(h.Class), Humidifier), humidity: h, target: b.find(targetHumidity, "")}
	m.poweredBy(power)
	if m.power == nil || !b.claim(humidifierKey) {
		return
	}
	m.entity.Config["device_class"] = h.Class
	m.onOff()
	m.targetHumidity()
	m.modes()
	m.measured()
	m.bind("action", rankValue, Codec{Show: m.showAction})
	b.put(m.entity)
}

// targetHumidity adds the target, or what stands in its place where nothing
// takes one.
func (m *moistener) targetHumidity() {
	codec := Codec{
		Show: showConstant(nil),
		Take: func(string, thinq.State) (thinq.State, *Rejection) {
			return nil, &Rejection{Reason: "read_only", Message: "this model takes no target humidity: choose a mode", Allowed: m.entity.Config["modes"]}
		},
	}
	low, high := 0.0, 100.0
	if m.target != nil && m.target.Readable {
		codec.Show = showPercent(m.target.Path)
		if l, h := m.shownLimits(m.target); l < h {
			low, high = l, h
		}
		if m.target.Writable {
			codec.Take = takeProperty(m.target.Property)
		}
	}
	m.entity.Config["min_humidity"], m.entity.Config["max_humidity"] = max(low, 0), min(high, 100)
	m.bind("target_humidity", rankValue, codec, m.target).wakes = m.target != nil && m.target.Writable
}

// showPercent shows nothing in the place of what can be no humidity.
func showPercent(p thinq.Path) func([]byte, thinq.State) []byte {
	show := showNumber(p)
	return func(dst []byte, s thinq.State) []byte {
		if f, ok := s[p].(float64); ok && (f < 0 || f > 100) {
			return append(dst, "null"...)
		}
		return show(dst, s)
	}
}

func (m *moistener) modes() {
	m.mode = m.find(m.Mode, "")
	if m.mode == nil || !m.mode.Readable || !m.mode.Writable || m.mode.Type != thinq.Enum {
		return
	}
	if options := m.optionsOf(m.mode); len(options) > 0 {
		m.entity.Config["modes"] = options
		m.bind("mode", rankMode, Codec{Show: showProperty(m.mode.Property), Take: m.takeMode}, m.mode, m.power)
	}
}

// takeMode turns on, too: it is what somebody wants the appliance to do.
func (m *moistener) takeMode(payload string, now thinq.State) (thinq.State, *Rejection) {
	wish, rejection := takeProperty(m.mode.Property)(payload, now)
	if rejection != nil {
		return nil, rejection
	}
	return m.awake(wish, now), nil
}

func (m *moistener) measured() {
	for _, key := range m.Current {
		if v := m.find(key, ""); v != nil && v.Readable {
			m.current = v
			m.bind("current_humidity", rankValue, Codec{Show: showNumber(v.Path)})
			return
		}
	}
}

// showAction says idle where the air is as it should be.
func (m *moistener) showAction(dst []byte, s thinq.State) []byte {
	switch {
	case s[m.power.Path] == nil:
		return append(dst, "null"...)
	case m.isOff(s):
		return append(dst, `"off"`...)
	case m.isIdle(s):
		return append(dst, `"idle"`...)
	}
	return appendString(dst, m.Action)
}

func (m *moistener) isIdle(s thinq.State) bool {
	var job any
	if m.mode != nil {
		job = s[m.mode.Path]
	}
	current, okCurrent := numberAt(m.current, s)
	target, okTarget := numberAt(m.target, s)
	return restful[job] || !restless[job] && okCurrent && okTarget && m.Reached(current, target)
}
