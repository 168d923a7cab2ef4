package linktest

import "testing"

// The rules are those of MQTT 5, section 4.7.
func TestFits(t *testing.T) {
	tests := []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a", false}, {"a", "a/b", false},
		{"a/+", "a/b", true}, {"a/+", "a/b/c", false}, {"+/+", "/b", true},
		{"#", "a/b", true}, {"a/#", "a/b/c", true}, {"a/#", "a", true}, {"a/#", "ab", false},
		{"#", "$SYS/x", false}, {"+/x", "$SYS/x", false}, {"$SYS/#", "$SYS/x", true},
	}
	for _, tt := range tests {
		if got := fits(tt.filter, tt.topic); got != tt.want {
			t.Errorf("fits(%q, %q) = %t", tt.filter, tt.topic, got)
		}
	}
}
