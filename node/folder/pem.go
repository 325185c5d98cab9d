package folder

import "fmt"

// maxPEM bounds the file of a certificate, or of its key, in bytes.
const maxPEM = 1 << 20

// ReadPEM reads the file of a certificate, or of its key.
func ReadPEM(path string) ([]byte, error) {
	file := part{path: path, noun: "file in PEM", expect: "a certificate or its key, in PEM", most: maxPEM}
	b, err := file.read()
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return b, nil
}
