package discovery

// Topics builds and parses every topic; nobody else does.
type Topics struct {
	Base   string // "thinq2mqtt"
	Prefix string // "homeassistant"
}
