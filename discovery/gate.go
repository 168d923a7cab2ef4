package discovery

import "github.com/thinq2mqtt/thinq2mqtt/thinq"

// gateFor adds an attribute that says whether the entity of a key can be used,
// and returns its key.
func (b *builder) gateFor(key string, show func([]byte, thinq.State) []byte) string {
	gate := b.claimBeside(key, "_available")
	b.silent(Binding{Attr: gate, Codec: Codec{Show: show}})
	return gate
}

// gateOf adds whether v can be set now, where that depends on another value; its
// key is empty where it does not.
func (b *builder) gateOf(v *value) (key string) {
	gate := b.find(v.row.While, v.Path.Location)
	if gate == nil || !gate.Readable || !v.Writable {
		return ""
	}
	var on any = true
	if !isBool(gate.Property) {
		word, _, ok := pair(readOptions(gate.Property))
		if !ok {
			return ""
		}
		on = word
	}
	return b.gateFor(v.key, showBool(func(s thinq.State) bool { return s[gate.Path] == on }))
}
