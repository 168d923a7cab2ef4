package link

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// The library reads what we write.
func TestPublicationIsUnderstood(t *testing.T) {
	for _, m := range []Message{
		{Topic: "a/b", Payload: []byte("x")},
		{Topic: "a", Payload: []byte{}, Retain: true},
		{Topic: "é", Payload: bytes.Repeat([]byte("long"), 50_000), Reply: "answer/here", Correlation: []byte{0, 255}},
		{Topic: strings.Repeat("t", longTopic), Payload: []byte("x"), Reply: strings.Repeat("r", 60_000), Correlation: []byte{}},
	} {
		p := &publication{Message: m}
		p.SetIdentifier(0xabcd)
		var wire bytes.Buffer
		n, err := p.WriteTo(&wire)
		if err != nil || int(n) != wire.Len() || packetSize(wire.Bytes()) != wire.Len() || wire.Len() > m.size() {
			t.Errorf("%.20s: wrote %d of %d bytes, %v", m.Topic, n, wire.Len(), err)
		}
		read, err := packets.ReadPacket(&wire)
		if err != nil {
			t.Fatal(err)
		}
		got := read.Content.(*packets.Publish)
		back := Message{Topic: got.Topic, Payload: got.Payload, Retain: got.Retain, Reply: got.Properties.ResponseTopic, Correlation: got.Properties.CorrelationData}
		if !reflect.DeepEqual(back, m) || got.QoS != 1 || got.Duplicate || got.PacketID != 0xabcd {
			t.Errorf("%.20s: read back %.100v", m.Topic, back)
		}
	}
}
