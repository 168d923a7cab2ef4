package discovery

import (
	"math"
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// filterLeft is the composite of what is left of a filter, for models that report
// the hours of its life and of its use, and leave the division to us.
type filterLeft struct{ Life, Used, Left string }

func (f filterLeft) build(b *builder) {
	life, used := b.find(f.Life, ""), b.find(f.Used, "")
	_, name, _ := strings.Cut(f.Left, ".")
	key := snake(name)
	if life == nil || used == nil || b.find(f.Left, "") != nil || !b.claim(key) {
		return
	}
	left := func(s thinq.State) (float64, bool) {
		whole, knownLife := numberAt(life, s)
		gone, knownUsed := numberAt(used, s)
		return math.Round(100 * (1 - min(max(gone/whole, 0), 1))), knownLife && knownUsed && whole > 0
	}
	w, _ := lookUp("", name)
	c := map[string]any{}
	b.measure(&value{word: w}, c)
	decorate(c, w, Sensor)
	b.put(Entity{Key: key, Platform: Sensor, Name: w.Name, Config: c, Bindings: []Binding{{
		Attr: key, Props: []thinq.Property{life.Property, used.Property}, Codec: Codec{Show: showResult(left)},
	}}})
}
