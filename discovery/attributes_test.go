package discovery

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSet(t *testing.T) {
	t.Parallel()
	attrs, transaction, err := ParseSet([]byte(`{"power":"on","target_temperature":21.50,"light":true,"list":[1, 2],"transaction":7}`))
	want := map[string]string{"power": "on", "target_temperature": "21.50", "light": "true", "list": "[1,2]"}
	if diff := cmp.Diff(want, attrs); diff != "" || string(transaction) != "7" || err != nil {
		t.Errorf("transaction %s, error %v, attributes (-want +got):\n%s", transaction, err, diff)
	}
	for payload, want := range map[string]string{
		``:                    "a JSON object of attributes is expected",
		`[]`:                  "a JSON object of attributes is expected",
		`null`:                "a JSON object of attributes is expected",
		`{"transaction":"x"}`: "no attribute is given",
		`{"power":null}`:      `"power": null is no value that can be set`,
	} {
		if _, _, err := ParseSet([]byte(payload)); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", payload, err, want)
		}
	}
}
