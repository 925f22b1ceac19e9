//! What a disk would hold if the power went away: every write recorded, and images of any moment.

use std::collections::BTreeMap;
use std::path::Path;

use wayfold_testkit::Random;

use super::vfs::{Answer, Op, Watch};

/// What happened, in the order in which it did.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Create {
        file: String,
    },
    Delete {
        file: String,
    },
    Write {
        file: String,
        offset: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        len: u64,
    },
    Sync {
        file: String,
    },
    SyncFolder,
    /// The run begins a step.
    Begun(usize),
    /// The run learns that a step is done.
    Done(usize),
}

/// Records the writes of a folder. Syncs are recorded and not done: the record alone says what they kept.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    entries: Vec<Entry>,
    /// Logs that were made and not synced yet; their first sync also syncs the folder.
    new_logs: Vec<String>,
}

impl Recorder {
    /// Puts a mark of the run into the record.
    pub(crate) fn mark(&mut self, mark: Entry) {
        self.entries.push(mark);
    }

    /// Ends the recording.
    pub(crate) fn take(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

impl Watch for Recorder {
    fn before(&mut self, _: &Path, op: &Op<'_>) -> Answer {
        if matches!(op, Op::Sync) { Answer::Skip } else { Answer::Do }
    }

    fn after(&mut self, file: &Path, op: &Op<'_>) {
        let file = name(file);
        match *op {
            Op::Open { is_new: true, syncs_folder } => {
                if syncs_folder {
                    self.new_logs.push(file.clone());
                }
                self.entries.push(Entry::Create { file });
            }
            Op::Write { offset, bytes } => {
                self.entries.push(Entry::Write { file, offset, bytes: bytes.to_vec() });
            }
            Op::Truncate { len } => self.entries.push(Entry::Truncate { file, len }),
            Op::Sync => {
                let before = self.new_logs.len();
                self.new_logs.retain(|log| *log != file);
                self.entries.push(Entry::Sync { file });
                if self.new_logs.len() < before {
                    self.entries.push(Entry::SyncFolder);
                }
            }
            Op::Delete { syncs_folder } => {
                self.entries.push(Entry::Delete { file });
                if syncs_folder {
                    self.entries.push(Entry::SyncFolder);
                }
            }
            _ => {}
        }
    }
}

/// What happens to writes that no sync has kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All are gone.
    All,
    /// Of each file, the first ones arrived, and of the next one some bytes.
    Tail,
    /// Each arrived or not, whole or in part, as a disk may reorder them.
    Scattered,
    /// All arrived.
    Nothing,
}

impl Loss {
    pub(crate) fn of(random: &mut Random) -> Self {
        match random.below(20) {
            0..3 => Self::All,
            3..11 => Self::Tail,
            11..19 => Self::Scattered,
            _ => Self::Nothing,
        }
    }
}

/// The files of an image by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// A file and what was done to it since its last sync.
#[derive(Debug, Default)]
struct Inode {
    kept: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>, bytes_max: usize) {
        match self {
            Self::Write { offset, bytes } => {
                let bytes = &bytes[..bytes.len().min(bytes_max)];
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate { len } => to.resize(*len, 0),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => bytes.len(),
            Self::Truncate { .. } => 1,
        }
    }
}

/// The disk as the record goes on.
#[derive(Debug, Default)]
pub(crate) struct Platter {
    inodes: Vec<Inode>,
    /// What each name means to the running system.
    names: BTreeMap<String, usize>,
    /// What it means after a power cut.
    kept_names: BTreeMap<String, usize>,
    /// What was made and deleted since the folder was synced.
    pending_names: Vec<(String, Option<usize>)>,
}

impl Platter {
    /// Goes on by an entry of the record.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Create { file } => {
                let number = self.inodes.len();
                self.inodes.push(Inode::default());
                self.names.insert(file.clone(), number);
                self.pending_names.push((file.clone(), Some(number)));
            }
            Entry::Delete { file } => {
                self.names.remove(file);
                self.pending_names.push((file.clone(), None));
            }
            Entry::Write { file, offset, bytes } => {
                let change = Change::Write { offset: *offset as usize, bytes: bytes.clone() };
                self.inode(file).pending.push(change);
            }
            Entry::Truncate { file, len } => {
                self.inode(file).pending.push(Change::Truncate { len: *len as usize });
            }
            Entry::Sync { file } => {
                let Inode { kept, pending } = self.inode(file);
                pending.drain(..).for_each(|change| change.apply(kept, usize::MAX));
            }
            Entry::SyncFolder => {
                for (file, number) in self.pending_names.drain(..) {
                    rename(&mut self.kept_names, file, number);
                }
            }
            Entry::Begun(_) | Entry::Done(_) => {}
        }
    }

    fn inode(&mut self, file: &str) -> &mut Inode {
        &mut self.inodes[self.names[file]]
    }

    /// How many bytes wait for a sync in files whose names end so.
    pub(crate) fn pending(&self, end: &str) -> usize {
        let files = self.names.iter().filter(|(file, _)| file.ends_with(end));
        files.flat_map(|(_, number)| &self.inodes[*number].pending).map(Change::len).sum()
    }

    /// What is on the disk if the power goes away now.
    pub(crate) fn image(&self, loss: Loss, random: &mut Random) -> Image {
        let mut names = self.kept_names.clone();
        // A journal of the file system keeps the order of what happens to names.
        let arrived = match loss {
            Loss::All => 0,
            Loss::Nothing => self.pending_names.len(),
            Loss::Tail | Loss::Scattered => random.index(self.pending_names.len() + 1),
        };
        for (file, number) in &self.pending_names[..arrived] {
            rename(&mut names, file.clone(), *number);
        }
        let content = |number: usize, random: &mut Random| self.inodes[number].content(loss, random);
        names.into_iter().map(|(file, number)| (file, content(number, random))).collect()
    }
}

fn rename(names: &mut BTreeMap<String, usize>, file: String, number: Option<usize>) {
    match number {
        Some(number) => names.insert(file, number),
        None => names.remove(&file),
    };
}

impl Inode {
    fn content(&self, loss: Loss, random: &mut Random) -> Vec<u8> {
        let mut content = self.kept.clone();
        let whole = match loss {
            Loss::All => return content,
            Loss::Nothing | Loss::Scattered => self.pending.len(),
            Loss::Tail => random.index(self.pending.len() + 1),
        };
        let is_scattered = loss == Loss::Scattered;
        for change in &self.pending[..whole] {
            let bytes_max = match random.below(10) {
                0..4 if is_scattered => continue,
                4 if is_scattered => random.index(change.len()),
                _ => usize::MAX,
            };
            change.apply(&mut content, bytes_max);
        }
        if let (Loss::Tail, Some(torn @ Change::Write { .. })) = (loss, self.pending.get(whole)) {
            torn.apply(&mut content, random.index(torn.len()));
        }
        content
    }
}

/// Writes an image into an empty folder.
pub(crate) fn write(image: &Image, folder: &Path) {
    for (file, bytes) in image {
        std::fs::write(folder.join(file), bytes).unwrap();
    }
}
