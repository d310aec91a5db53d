// Writes a bbolt database: its only argument is the file, standard input a JSON list of entries.
package main

import (
	"encoding/json"
	"log"
	"os"

	"go.etcd.io/bbolt"
)

type entry struct {
	// Buckets from the outermost on.
	Path  []string
	Key   string
	Value json.RawMessage
}

func main() {
	var entries []entry
	if err := json.NewDecoder(os.Stdin).Decode(&entries); err != nil {
		log.Fatal(err)
	}
	db, err := bbolt.Open(os.Args[1], 0o600, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, e := range entries {
			bucket, err := tx.CreateBucketIfNotExists([]byte(e.Path[0]))
			if err != nil {
				return err
			}
			for _, name := range e.Path[1:] {
				if bucket, err = bucket.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			if err := bucket.Put([]byte(e.Key), e.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
}
