package discovery

import (
	"strings"
	"testing"
)

// TestOddValues: what an entity cannot show makes it unknown, and is in the
// document. What means yes or no in another way is shown as what it means.
func TestOddValues(t *testing.T) {
	const profile = `{"property":{"sabbath":{"sabbathMode":{"type":"boolean","mode":["r"]}},
		"operation":{"optimalHumidity":{"type":"enum","mode":["r","w"],"value":{"r":["ON","OFF"],"w":["ON","OFF"]}}},
		"recipe":{"hopOilInfo":{"type":"string","mode":["r"]},"memo":{"type":"string","mode":["r","w"]}}}}`
	long := strings.Repeat("ü", 300)
	tests := []struct {
		report, key string
		document    any
		shown       string
	}{
		{`{"sabbath":{"sabbathMode":true}}`, "sabbath_mode", true, "True"},
		{`{"sabbath":{"sabbathMode":"ON"}}`, "sabbath_mode", true, "True"},
		{`{"sabbath":{"sabbathMode":0}}`, "sabbath_mode", false, "False"},
		{`{"sabbath":{"sabbathMode":"HOLIDAY"}}`, "sabbath_mode", "holiday", "None"},
		{`{"sabbath":{"sabbathMode":7}}`, "sabbath_mode", 7.0, "None"},
		{`{"operation":{"optimalHumidity":"ON"}}`, "optimal_humidity", "on", "on"},
		{`{"operation":{"optimalHumidity":true}}`, "optimal_humidity", "on", "on"},
		{`{"operation":{"optimalHumidity":"AUTO"}}`, "optimal_humidity", "auto", "None"},
		{`{"recipe":{"hopOilInfo":"short"}}`, "hop_oil_info", "short", "short"},
		{`{"recipe":{"hopOilInfo":"` + long + `"}}`, "hop_oil_info", long, long[:2*255]},
		{`{"recipe":{"memo":"` + long + `"}}`, "memo", long, long[:2*255]},
	}
	for _, tt := range tests {
		s := meet(t, "NEW", profile, `{"sabbath":{"sabbathMode":null}}`)
		s.reports(tt.report)
		if got := s.shows(tt.key); got != tt.document {
			t.Errorf("%s: the document has %v, want %v", tt.report, got, tt.document)
		}
		template, _ := announced(t, s.devices[0])[tt.key]["value_template"].(string)
		_, cut := unsifted(template)
		if got := cut(render(s.shows(tt.key), false)); got != tt.shown {
			t.Errorf("%s: shown as %q, want %q: %s", tt.report, got, tt.shown, template)
		}
	}
}
