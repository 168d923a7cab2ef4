package discovery

import (
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// filters adds, for every filter of which LG says how many percent remain,
// whether it is due, unless a latch says so.
func (b *builder) filters() {
	for _, v := range b.values {
		stem, ok := strings.CutSuffix(v.key, "remain_percent")
		if !ok || !v.Readable || !isNumeric(v.Property) || !isFilter(v.Path) {
			continue
		}
		place := locationKey(v.Path.Location)
		if stem == place { // it is called no more than that
			stem += snake(v.Path.Resource) + "_"
		}
		if key := stem + "due"; isLatch(key) && b.taken[key] {
			continue
		}
		name := b.named(v.Path.Location, sentence(strings.TrimPrefix(stem, place))+" due")
		b.putBinary(b.claimBeside(stem, "due"), name, "problem", v.Path, func(v any) bool {
			f, ok := v.(float64)
			return ok && f <= almostUsedUp
		})
	}
}

func isFilter(p thinq.Path) bool {
	return strings.Contains(strings.ToLower(p.Resource+p.Name), "filter")
}
