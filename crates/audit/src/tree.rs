//! The Merkle tree of RFC 6962 with SHA-256: hashing, proofs, and their verification after RFC 9162 sections 2.1.3.2
//! and 2.1.4.2. Pure: nodes are asked from [`Nodes`], which the tiles of a folder answer.

use sha2::{Digest as _, Sha256};

/// A hash of the tree.
pub type Hash = [u8; 32];

/// The hash of a leaf with this content.
pub fn leaf_hash(content: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(content).finalize().into()
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root over a row of hashes, each the root of a perfect subtree of the same size.
pub fn root_of(row: &[Hash]) -> Hash {
    match row {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = row.split_at(split(row.len() as u64) as usize);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The largest power of two below `n` (n > 1).
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// A tree that is only appended to, kept as its right edge: for each level of tiles the hashes of the tile that is not
/// yet full. 256 hashes of one level become one of the next.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    levels: Vec<Vec<Hash>>,
    size: u64,
}

/// Hashes per tile.
pub const TILE: usize = 256;

impl Edge {
    /// An edge from the unfinished tiles of each level, lowest first.
    pub fn from_levels(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { levels, size }
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the unfinished tile of a level.
    pub fn level(&self, level: usize) -> &[Hash] {
        self.levels.get(level).map_or(&[], Vec::as_slice)
    }

    /// Appends a leaf. Gives the tiles that became full by it, lowest first, as (level, number of the tile, hashes).
    pub fn push(&mut self, leaf: Hash) -> Vec<(usize, u64, Vec<Hash>)> {
        self.size += 1;
        let mut full = Vec::new();
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(hash);
            if self.levels[level].len() < TILE {
                break;
            }
            let tile = std::mem::take(&mut self.levels[level]);
            hash = root_of(&tile);
            let number = (self.size >> (8 * (level + 1))) - 1;
            full.push((level, number, tile));
        }
        full
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for row in &self.levels {
            let mut end = row.len();
            while end > 0 {
                // The row falls apart into perfect subtrees, the smallest at the right end.
                let width = 1usize << end.trailing_zeros();
                let peak = root_of(&row[end - width..end]);
                root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
                end -= width;
            }
        }
        root.unwrap_or_else(empty_root)
    }
}

/// Gives the roots of perfect subtrees.
pub trait Nodes {
    /// What goes wrong.
    type Error;
    /// The root of the `index`-th perfect subtree of 2^`level` leaves.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

fn range<N: Nodes>(nodes: &N, begin: u64, end: u64) -> Result<Hash, N::Error> {
    let n = end - begin;
    if n.is_power_of_two() && begin.is_multiple_of(n) {
        return nodes.node(n.trailing_zeros(), begin / n);
    }
    let k = split(n);
    Ok(node_hash(&range(nodes, begin, begin + k)?, &range(nodes, begin + k, end)?))
}

/// The root of the first `size` leaves.
///
/// # Errors
/// What `nodes` gives.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(empty_root()) } else { range(nodes, 0, size) }
}

/// The inclusion path of leaf `index` in the tree of `size` leaves (`index < size`), from the leaf upwards.
///
/// # Errors
/// What `nodes` gives.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut begin, mut end) = (0, size);
    let mut path = Vec::new();
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, begin, middle)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The consistency path from the tree of `old` leaves to that of `new` leaves (`old <= new`).
///
/// # Errors
/// What `nodes` gives.
pub fn consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut begin, mut end, mut whole) = (0, new, true);
    let mut path = Vec::new();
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, begin, middle)?);
            begin = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(range(nodes, begin, end)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves that `leaf` is number `index` of the tree of `size` leaves with this root
/// (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut fnode, mut snode, mut hash) = (index, size - 1, *leaf);
    for p in path {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = node_hash(p, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node_hash(&hash, p);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && hash == *root
}

/// Whether `path` proves that the tree of `old` leaves is the beginning of that of `new` leaves (RFC 9162, 2.1.4.2).
pub fn verify_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> bool {
    if old == 0 || old == new {
        let roots = if old == new { old_root == new_root } else { *old_root == empty_root() };
        return path.is_empty() && roots;
    }
    if old > new {
        return false;
    }
    let first = old.is_power_of_two().then_some(old_root);
    let mut hashes = first.into_iter().chain(path);
    let Some(start) = hashes.next() else { return false };
    let (mut fnode, mut snode) = (old - 1, new - 1);
    while fnode & 1 == 1 {
        fnode >>= 1;
        snode >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*start, *start);
    for c in hashes {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            old_hash = node_hash(c, &old_hash);
            new_hash = node_hash(c, &new_hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, c);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree by the recursion of RFC 6962, over leaves in memory.
    struct Leaves(Vec<Hash>);
    impl Nodes for Leaves {
        type Error = std::convert::Infallible;
        fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
            let width = 1u64 << level;
            Ok(root_of(&self.0[(index * width) as usize..((index + 1) * width) as usize]))
        }
    }

    fn leaves(n: u64) -> Leaves {
        Leaves((0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect())
    }

    /// AUD-070: the vector file, sizes 0 to 8.
    #[test]
    fn vectors_match() {
        let mut all = Leaves(Vec::new());
        let mut roots = Vec::new();
        let hashes = |text: &str| -> Vec<Hash> {
            text.split_whitespace().map(|h| hex::decode(h).unwrap().try_into().unwrap()).collect()
        };
        let mut rows = 0;
        for row in csv::Reader::from_reader(include_str!("../tests/data/tree_heads.csv").as_bytes()).records() {
            let row = row.unwrap();
            let size: u64 = row[0].parse().unwrap();
            if size > 0 {
                all.0.push(leaf_hash(&hex::decode(&row[2]).unwrap()));
                assert_eq!(all.0.last().unwrap(), &hashes(&row[3])[0]);
            }
            let root = root_of(&all.0);
            assert_eq!(root, hashes(&row[4])[0], "size {size}");
            roots.push(root);
            if size > 0 {
                assert_eq!(inclusion(&all, size - 1, size).unwrap(), hashes(&row[5]));
                assert_eq!(inclusion(&all, 0, size).unwrap(), hashes(&row[6]));
                assert_eq!(consistency(&all, size - 1, size).unwrap(), hashes(&row[7]));
            }
            if size >= 3 {
                assert_eq!(consistency(&all, 3, size).unwrap(), hashes(&row[8]));
            }
            rows += 1;
        }
        assert_eq!((rows, roots.len()), (9, 9));
    }

    /// AUD-070: the tree by recursion and by its edge agree for sizes 0 to 2 000.
    #[test]
    fn recursion_and_edge_agree() {
        let all = leaves(2000);
        let mut edge = Edge::default();
        assert_eq!(edge.root(), empty_root());
        for n in 1..=2000usize {
            edge.push(all.0[n - 1]);
            assert_eq!(edge.root(), root_of(&all.0[..n]), "size {n}");
        }
    }

    /// AUD-070: every proof for all pairs up to 64 verifies, and any flipped bit fails.
    #[test]
    fn proofs_verify_and_changed_ones_do_not() {
        let all = leaves(64);
        for size in 1..=64u64 {
            let root = root_of(&all.0[..size as usize]);
            for index in 0..size {
                let path = inclusion(&all, index, size).unwrap();
                let leaf = all.0[index as usize];
                assert!(verify_inclusion(index, size, &leaf, &path, &root));
                assert!(!verify_inclusion(index + 1, size, &leaf, &path, &root));
                flipped(&path, |p| verify_inclusion(index, size, &leaf, p, &root));
            }
            for old in 0..=size {
                let old_root = root_of(&all.0[..old as usize]);
                let path = consistency(&all, old, size).unwrap();
                assert!(verify_consistency(old, &old_root, size, &root, &path), "{old} to {size}");
                flipped(&path, |p| verify_consistency(old, &old_root, size, &root, p));
            }
        }
    }

    /// One bit of each hash, a missing hash and one too many.
    fn flipped(path: &[Hash], accepted: impl Fn(&[Hash]) -> bool) {
        for i in 0..path.len() {
            let mut bad = path.to_vec();
            bad[i][i % 32] ^= 1 << (i % 8);
            assert!(!accepted(&bad));
        }
        if !path.is_empty() {
            assert!(!accepted(&path[1..]));
        }
        assert!(!accepted(&[path, &[[0; 32]]].concat()));
    }

    #[test]
    fn a_longer_old_tree_is_never_consistent() {
        let all = leaves(4);
        let (small, large) = (root_of(&all.0[..2]), root_of(&all.0));
        assert!(!verify_consistency(4, &large, 2, &small, &[]));
        assert!(!verify_consistency(2, &small, 4, &large, &[]));
    }
}
