package link

import "errors"

// What Publish and Run report; compare with errors.Is.
var (
	ErrDown        = errors.New("not connected")
	ErrTooLarge    = errors.New("larger than the broker accepts")
	ErrRefused     = errors.New("refused by the broker")
	ErrCertificate = errors.New("client certificate refused")
)
