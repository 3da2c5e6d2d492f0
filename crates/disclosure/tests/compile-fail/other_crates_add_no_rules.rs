use disclosure::Releasable;

struct Mine;

impl Releasable for Mine {}

fn main() {}
