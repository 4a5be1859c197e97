-- Reserved names, and what lies between identifiers.

-- Two more states. No row needs to be looked at: what the old rule let in, the new one does. So it is NOT VALID, which
-- holds for every later write, and the table is locked for no longer than it takes to say so.
ALTER TABLE identifier DROP CONSTRAINT identifier_state_check;
ALTER TABLE identifier ADD CONSTRAINT identifier_state_check
    CHECK (state IN ('active', 'suspended', 'deleted', 'reserved', 'released')) NOT VALID;

-- One row says: subject is part of (made from, packed in, replaced by) object. No reference to identifier: the object may
-- be another node's, and the identifier family knows no constraint across identifiers. Both directions by index.
CREATE TABLE relation (
    subject text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('part_of', 'made_from', 'packed_in', 'replaced_by')),
    object text COLLATE "C" NOT NULL,
    subject_shown text NOT NULL,
    object_shown text NOT NULL,
    created timestamptz NOT NULL,
    PRIMARY KEY (subject, kind, object)
);
CREATE INDEX relation_to ON relation (object, kind, subject);
