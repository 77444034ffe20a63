using System.Buffers.Binary;
using PageFold.Store.Snapshots;

namespace PageFold.Interleavings.Protocols;

/// <summary>A snapshot has every page as it was at the point in time, because a writer preserves a page before it changes it.</summary>
public class SnapshotProtocolTests
{
    private static readonly HashSet<string> Points = ["PreservedPages.cs", "CapturedPages.cs", "PageIndex.cs", "SlotWord.cs"];

    // Locks and waits are points all the same.
    private static readonly HashSet<string> NoPoints = [];

    // More than both buffers have room for.
    private const int ManyPages = 16;

    [Fact]
    public void Every_page_is_as_it_was_at_the_point_in_time()
    {
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 1, RunsByChance = 300 };
        int byWriters = 0;
        exploration.AssertHolds(() => new Disk(() => byWriters++).Scenario);
        Assert.True(exploration.IsComplete, $"{exploration.Runs} runs are not all");
        Assert.True(byWriters > exploration.Runs / 20, $"a writer preserved a page in {byWriters} of {exploration.Runs} runs");
    }

    [Theory]
    [InlineData("PreservedPages.TryCopy.notes-before-it-copies")]
    [InlineData("PageWriter.AttemptWrite.changes-before-it-announces")]
    public void A_planted_fault_is_found(string fault)
    {
        using IDisposable on = Fault.TurnOn(fault);
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2, MaxRuns = 20_000 };
        exploration.AssertFails(() => new Disk(() => { }).Scenario);
    }

    [Fact]
    public void A_point_in_time_beside_an_operation_is_found()
    {
        using IDisposable on = Fault.TurnOn("SnapshotSaver.TakePoint.beside-others");
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2 };
        exploration.AssertFails(() => new Disk(() => { }).OneWrite);
    }

    [Fact]
    public void A_writer_that_finds_no_room_waits_until_a_buffer_is_written()
    {
        using Exploration exploration = new() { Files = NoPoints, MaxPreemptions = 2, MaxRuns = 3000 };
        int byWriters = 0;
        exploration.AssertHolds(() => new Disk(() => byWriters++, ManyPages).Overwriting);
        Assert.True(byWriters > exploration.Runs / 4, $"a writer preserved pages in {byWriters} of {exploration.Runs} runs");
    }

    [Fact]
    public void A_writer_that_does_not_preserve_after_its_wait_is_found()
    {
        using IDisposable on = Fault.TurnOn("PreservedPages.Preserve.goes-on-after-a-wait");
        using Exploration exploration = new() { Files = NoPoints, MaxPreemptions = 2, MaxRuns = 3000 };
        exploration.AssertFails(() => new Disk(() => { }, ManyPages).Overwriting);
    }

    /// <summary>A store of some pages, each of which tells its version all through.</summary>
    private sealed class Disk
    {
        private const int PageSize = 4096;
        private const int Gone = 100;

        // No room for buffers of a usual size: those of the reserve are soon full.
        private readonly PageStore _store = new(new PageStoreOptions
        {
            MemoryLimit = 1 << 20,
            SnapshotReserve = SnapshotOptions.ReserveBytes(PageSize, ManyPages),
            Codec = PageCodec.None,
            Backing = FrameBackingKind.Portable,
        });

        private readonly MemoryOutput _output = new();
        private readonly SnapshotSession _session;
        private readonly Action _savedByWriter;
        // For each page the versions that were begun and those that were ended, in order.
        private readonly List<int>[] _begun;
        private readonly int[] _ended;
        private readonly int[] _least;
        private readonly int[] _most;

        public Disk(Action savedByWriter, int pages = 2)
        {
            _savedByWriter = savedByWriter;
            _begun = [.. Enumerable.Range(0, pages).Select(_ => new List<int> { 1 })];
            _ended = [.. Enumerable.Repeat(1, pages)];
            (_least, _most) = (new int[pages], new int[pages]);
            for (int page = 0; page < pages; page++)
                Put(page, 1);
            _session = _store.BeginSnapshotTo(_output);
        }

        public Scenario Scenario => new(
            [
                Save,
                () =>
                {
                    Change(0, 2);
                    Change(0, 3);
                },
                () => Change(1, Gone),
            ],
            () => Check(page => page == 0 ? 3 : Gone));

        public Scenario OneWrite => new([Save, () => Change(0, 2)], () => Check(page => page == 0 ? 2 : 1));

        public Scenario Overwriting => new(
            [
                Save,
                () =>
                {
                    // The other way round than the walk of the snapshot.
                    for (int page = _begun.Length - 1; page >= 0; page--)
                        Change(page, 2);
                },
            ],
            () => Check(_ => 2));

        private void Save()
        {
            _ended.CopyTo(_least, 0);
            _session.TakePoint();
            for (int page = 0; page < _most.Length; page++)
                _most[page] = Math.Min(_begun[page].Count, 1 + _begun[page].IndexOf(Read(page)));
            if (_session.Save().PagesSavedByWriters > 0)
                _savedByWriter();
        }

        /// <summary>The version that a page has now. What a reader finds after the point in time is no older than what is saved.</summary>
        private int Read(int page)
        {
            byte[] read = new byte[PageSize];
            return _store.TryRead(page, read) ? read[0] : Gone;
        }

        private void Check(Func<int, int> expected)
        {
            Dictionary<long, int> saved = _output.Versions();
            for (int page = 0; page < _begun.Length; page++)
            {
                Assert.Equal(expected(page), Read(page));
                int version = saved.GetValueOrDefault(page, Gone);
                IEnumerable<int> possible = _begun[page].Take(_most[page]).Skip(_least[page] - 1);
                Assert.True(possible.Contains(version), $"page {page} is saved as {version}, and was {string.Join(" or ", possible)}");
            }
            _session.Dispose();
            _store.Dispose();
            Assert.Equal(0, _store.Index.Budget.Used);
        }

        private void Change(int page, int version)
        {
            _begun[page].Add(version);
            if (version == Gone)
                _store.Discard(page);
            else
                Put(page, version);
            _ended[page] = _begun[page].Count;
        }

        private void Put(int page, int version)
        {
            // Not one word, or the page has no object.
            byte[] content = new byte[PageSize];
            content.AsSpan().Fill((byte)version);
            content[PageSize / 2] = (byte)(200 + page);
            Assert.Equal(StoreOutcome.Incompressible, _store.Write(page, content));
        }
    }

    /// <summary>A snapshot in memory, which is one header, one chunk and the end.</summary>
    private sealed class MemoryOutput : SnapshotOutput
    {
        private readonly SortedDictionary<long, byte[]> _written = [];

        public override void Write(long offset, ReadOnlySpan<byte> bytes) => _written[offset] = bytes.ToArray();

        public override void Complete(CancellationToken cancellationToken)
        {
            // Nothing has to be brought to a disk.
        }

        /// <summary>The version of each page; 0 for a page that mixes two.</summary>
        public Dictionary<long, int> Versions()
        {
            byte[] file = [.. _written.Values.SelectMany(part => part)];
            int chunk = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(12));
            Dictionary<long, int> versions = [];
            while (SnapshotFormat.TryReadChunkHeader(file.AsSpan(chunk), out int length, out _, out _))
            {
                ReadOnlySpan<byte> payload = file.AsSpan(chunk + SnapshotFormat.ChunkHeaderBytes, length);
                for (int position = 0; position < length;)
                {
                    Assert.True(SnapshotFormat.TryReadRecord(
                        payload, ref position, 4096, out uint page, out _, out ReadOnlySpan<byte> bytes, out _));
                    bool isWhole = !bytes[..2048].ContainsAnyExcept(bytes[0]) && !bytes[2049..].ContainsAnyExcept(bytes[0])
                        && bytes[2048] == 200 + page;
                    Assert.True(versions.TryAdd(page, isWhole ? bytes[0] : 0));
                }
                chunk += SnapshotFormat.ChunkHeaderBytes + length;
            }
            return versions;
        }

        protected override void Dispose(bool disposing)
        {
            // Memory goes by itself.
        }
    }
}
