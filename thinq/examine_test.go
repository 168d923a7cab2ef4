package thinq

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExamine(t *testing.T) {
	p := mustProfile(t, `{"property":{
		"t":{"word":{"type":"enum","mode":["r","w"],"value":{"r":["A","B"],"w":["C"]}},
			"open":{"type":"enum","mode":["r"]},
			"span":{"type":"range","mode":["r"],"value":{"r":{"min":1,"max":5}}},
			"free":{"type":"number","mode":["r"]},
			"truth":{"type":"boolean","mode":["r"],"value":{"r":[true,false]}},
			"order":{"type":"enum","mode":["w"],"value":{"w":["GO"]}},
			"fixed":"X"},
		"list":[{"locationName":"A","n":{"type":"number","mode":["r"]}},{"locationName":"B","n":{"type":"number","mode":["r"]}}],
		"gone":{"a":{"type":"number","mode":["r"]}}},
		"error":["STUCK"]}`)
	for _, tt := range []struct {
		name, data string
		want       []string
	}{
		{"as it should be", `{"t":{"word":"A","open":"ANY","span":5,"free":-1,"truth":true,"fixed":"X","order":null},"new":{"x":1},"error":"STUCK"}`, nil},
		{"what can be set may be reported", `{"t":{"word":"C"}}`, nil},
		{"values", `{"t":{"word":"Z","span":6,"free":"LOW","truth":"MAYBE","order":"GO","fixed":"Y"}}`, []string{
			`t.fixed: "Y" is not the constant "X"`,
			`t.free: "LOW" is no number`,
			`t.order: "GO" is reported, though it can only be set`,
			`t.span: 6 is not within 1 and 5`,
			`t.truth: "MAYBE" is not one of true, false`,
			`t.word: "Z" is not one of A, B`,
		}},
		{"forms", `{"t":{"word":{"x":1},"span":[2]},"gone":7,"list":["x",{"locationName":"A","n":1},{"locationName":"A","n":2},null],"error":"LOST"}`, []string{
			`t.word: {"x":1} is no value`,
			`t.span: [2] is no value`,
			`gone: 7 is no object of values`,
			`list: "x" is no object of values`,
			`list.n@A: it is reported twice; the last counts`,
			`error: "LOST" is not in the list of errors`,
		}},
		{"nothing", `7`, []string{"state: it is neither an object nor a list"}},
		{"a list", `[7]`, []string{"7 is no object of resources"}},
	} {
		if diff := cmp.Diff(tt.want, p.Examine([]byte(tt.data))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
