namespace PageFold.Interleavings.Protocols;

/// <summary>
/// A page's slot names an object only when the object is whole, and what it named before goes only when no reader has it.
/// </summary>
public class PublishProtocolTests
{
    private static readonly HashSet<string> Points = ["SlotWord.cs", "Block.cs"];

    [Fact]
    public void Readers_see_whole_versions_while_two_writers_publish()
    {
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 1, RunsByChance = 800 };
        exploration.AssertHolds(() => new Page().Scenario);
        Assert.True(exploration.IsComplete, $"{exploration.Runs} runs are not all");
    }

    [Theory]
    [InlineData("PageIndex.TryPlace.publishes-before-it-copies")]
    [InlineData("PageIndex.Replace.frees-before-it-publishes")]
    public void A_planted_fault_is_found(string fault)
    {
        using IDisposable on = Fault.TurnOn(fault);
        using Exploration exploration = new() { Files = Points, MaxPreemptions = 2, MaxRuns = 20_000 };
        exploration.AssertFails(() => new Page().Scenario);
    }

    /// <summary>One page that two writers overwrite with contents of different sizes, so that it changes its class.</summary>
    private sealed class Page
    {
        private const int PageSize = 4096;

        private readonly PageStore _store = new(new PageStoreOptions
        {
            MemoryLimit = 2 << 20, Codec = PageCodec.Lz4Managed, Backing = FrameBackingKind.Portable,
        });

        public Page() => Write(5, 1, 300);

        public Scenario Scenario => new(
            [
                () => Write(5, 2, 900),
                () => Write(5, 3, 1500),
                () => Read(5),
            ],
            () =>
            {
                Assert.NotEqual(1, Read(5));
                Assert.Equal(1, _store.GetStatistics().Pages);
                Assert.Equal(1, _store.Index.Heap.Objects);
                _store.Dispose();
                Assert.Equal(0, _store.Index.Budget.Used);
            });

        private void Write(int page, int version, int noise) =>
            Assert.Equal(StoreOutcome.Stored, _store.Write(page, Content(version, noise)));

        private int Read(int page)
        {
            byte[] read = new byte[PageSize];
            Assert.True(_store.TryRead(page, read));
            int version = read[^1];
            Assert.Equal(Content(version, version switch { 1 => 300, 2 => 900, _ => 1500 }), read);
            return version;
        }

        private static byte[] Content(int version, int noise)
        {
            byte[] content = new byte[PageSize];
            new Random(version).NextBytes(content.AsSpan(0, noise));
            content.AsSpan(noise).Fill((byte)version);
            return content;
        }
    }
}
