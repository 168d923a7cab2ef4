package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// humidity is the composite of what makes air wetter or drier. Without a target
// that can be set Home Assistant has no such entity; the properties then stand
// alone.
type humidity struct {
	Class   string // device class: humidifier or dehumidifier
	Action  string // what it does while it is on
	Power   string
	Mode    string
	Current string // of the measured humidity
}

const humidifierKey = "humidifier"

func (h humidity) build(b *builder) {
	power, target := b.firstOf(h.Power), b.firstOf("humidity.targetHumidity")
	if power == nil || target == nil || !target.Readable {
		return
	}
	c := b.compose(humidifierKey, sentence(h.Class), Humidifier)
	c.poweredBy(power)
	low, high := b.shownLimits(target)
	if c.power == nil || low >= high {
		return
	}
	c.entity.Config["device_class"] = h.Class
	c.entity.Config["min_humidity"], c.entity.Config["max_humidity"] = low, high
	c.onOff()
	c.bind("target_humidity", rankValue, plainCodec(target), target)
	if mode := b.firstOf(h.Mode); mode != nil && mode.Type == thinq.Enum {
		c.entity.Config["modes"] = b.optionsOf(mode)
		c.bind("mode", rankMode, plainCodec(mode), mode)
	}
	current := b.find(h.Current, "")
	if current != nil {
		c.bind("current_humidity", rankValue, Codec{Show: showNumber(current.Path)})
	}
	c.bind("action", rankValue, Codec{Show: func(dst []byte, s thinq.State) []byte {
		if c.isOff(s) {
			return append(dst, `"off"`...)
		}
		return appendString(dst, h.Action)
	}})
	b.put(c.entity)
}
