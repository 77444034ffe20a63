namespace PageFold.Tests.Architecture;

/// <summary>The floors and rooms of the library, checked in the built assembly, type by type.</summary>
public class LayeringTests
{
    [Fact]
    public void A_type_uses_only_its_own_room_and_floors_below()
    {
        SortedDictionary<string, SortedSet<string>> uses = TypeReferences.Of(typeof(PageStore).Assembly.Location);
        Assert.Equal([], Floors.OfTheLibrary.Violations(uses));
        // The reader has read something: these uses exist.
        Assert.Contains("PageFold.Store.Index.PageIndex", uses["PageFold.PageStore"]);
        Assert.Contains("PageFold.Allocation.ZsHeap", uses["PageFold.ZsPool"]);
        Assert.True(uses.Sum(user => user.Value.Count) > 500);
    }

    [Theory]
    [InlineData("PageFold.Frames.FrameArena", "PageFold.Store.Log.WritebackLog")]
    [InlineData("PageFold.Store.Index.PageIndex", "PageFold.Store.Paging.PageWriter")]
    [InlineData("PageFold.Store.Snapshots.SnapshotSaver", "PageFold.Store.Writeback.PageWriteback")]
    [InlineData("PageFold.Allocation.ZsHeap", "PageFold.ZsPool")]
    [InlineData("PageFold.ZsHandle", "PageFold.Frames.FrameArena")]
    public void A_use_that_goes_up_or_aside_is_found(string user, string used)
    {
        SortedDictionary<string, SortedSet<string>> uses = TypeReferences.Of(typeof(PageStore).Assembly.Location);
        Assert.True(uses[user].Add(used));
        Assert.Contains(used, Assert.Single(Floors.OfTheLibrary.Violations(uses)));
    }

    /// <summary>A violation that was compiled, and not only said to be there.</summary>
    [Fact]
    public void Uses_are_found_wherever_they_are_in_a_type()
    {
        SortedSet<string> uses = TypeReferences.Of(typeof(LayeringTests).Assembly.Location)["PageFold.Planted.Ground"];
        Assert.Equal(
            [
                "PageFold.Planted.InAttributeAttribute", "PageFold.Planted.InBody", "PageFold.Planted.InClosure",
                    "PageFold.Planted.InField",
                "PageFold.Planted.InFunctionPointer", "PageFold.Planted.InGenericArgument", "PageFold.Planted.InIterator",
                    "PageFold.Planted.InNamedArgument", "PageFold.Planted.InSignature",
            ],
            uses);
    }
}
