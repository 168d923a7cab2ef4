package thinq

import "time"

// An Identity is how LG's event broker knows this installation: made once, kept
// for ever. Everything in it but the client id can be had again.
type Identity struct {
	ClientID    string    `json:"client_id"`
	Registered  bool      `json:"registered"`            // POST /client succeeded
	Key         string    `json:"key,omitempty"`         // PEM, RSA 2048
	Certificate string    `json:"certificate,omitempty"` // PEM
	Topics      []string  `json:"topics,omitempty"`      // from the certificate answer
	MQTT        string    `json:"mqtt,omitempty"`        // event broker of the last route answer
	Expires     time.Time `json:"expires,omitzero"`      // end of the certificate
}
