package main

import (
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// A base topic without room for what follows it is refused when the configuration
// is read; with any other one every topic is short enough for every broker.
func TestF049LongBaseTopic(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"a", "é"} {
		for n := 1; n < 300; n += 7 {
			base := strings.Repeat(letter, n)
			got := complaints(t, configFile(t, sound+"mqtt:\n  base_topic: "+base+"\n"))
			if refused := len(got) > 0; refused != (len(base) > 256) {
				t.Errorf("%d bytes: %q", len(base), got)
			}
			topics := discovery.Topics{Base: base + "/" + strings.Repeat("l", 64), Prefix: base}
			slug := strings.Repeat("s", 64)
			for _, topic := range []string{topics.SetAttr(slug, strings.Repeat("k", 100)), topics.Discovery(slug)} {
				if len(got) == 0 && len(topic) > 512 {
					t.Errorf("a topic of %d bytes", len(topic))
				}
			}
		}
	}
}
