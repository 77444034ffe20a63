namespace PageFold.Tests.Architecture;

/// <summary>
/// The floors of the library, from the ground up, each with the namespaces and the public types on it. A type uses types of its own floor
/// and of floors below; rooms of one floor do not use each other.
/// </summary>
internal sealed class Floors
{
    /// <summary>As docs/architecture.md draws them.</summary>
    public static readonly Floors OfTheLibrary = new(
    [
        ["Terms"],
        ["PageFold.Telemetry"],
        ["PageFold.Interop"],
        ["PageFold.Frames"],
        ["PageFold.Mapping"],
        ["PageFold.Allocation"],
        ["PageFold.Compression"],
        ["Pool", "PageFold.Store.Log"],
        ["PageFold.Store.Index"],
        ["PageFold.Store.Codecs"],
        ["PageFold.Store.Paging"],
        ["PageFold.Store.Recompression", "PageFold.Store.Writeback", "PageFold.Store.Snapshots", "PageFold.Store.Training",
            "PageFold.Store.Statistics"],
        ["Front"],
    ]);

    // Public types have the namespace of the package; this is the room that each belongs to. All others are fronts.
    private static readonly Dictionary<string, string[]> PublicTypes = new()
    {
        ["Terms"] =
        [
            "Throw", "OptionMessage", "OptionName", "OptionNames", "ShownList`1", "CompactionResult", "FrameBackingKind",
                "InvalidHandleException", "MapMode", "MappingKind", "MemoryLimitException",
            "ObjectMappedException", "PageCorruptException", "PageFoldMetrics", "PageInfo", "PageRun", "PageState", "RefusalPolicy",
                "SizeClassStatistics",
            "SnapshotException", "StoreOutcome", "WritebackReadException", "WritebackResult", "WritebackStop", "WritebackSelection",
            "ZsHandle", "ZsPoolStatistics", "IObjectOwner", "ObjectLocation", "CodecUse", "CodecRetirement", "RetirementStop",
            "FoldTraining",
                "RecompressionResult", "SnapshotResult", "SnapshotInfo",
                "SnapshotCodec",
            "PageStoreStatistics", "SnapshotLoadOptions",
        ],
        ["PageFold.Compression"] = ["PageCodec", "PageCodecContext", "FoldLevel", "FoldTrainingOptions"],
        ["Pool"] = ["PoolThrow", "OpenMapping", "ZsPool", "ZsPoolOptions", "ZsMap", "ZsReadMap", "ZsView", "ZsReadView",
            "ObjectHeap", "ObjectHeapOptions", "HeapAccess", "HeapObject"],
        ["PageFold.Store.Log"] = ["WritebackOptions"],
        ["PageFold.Store.Recompression"] = ["RecompressionOptions", "CodecRetirementOptions"],
        ["PageFold.Store.Snapshots"] = ["SnapshotOptions", "SnapshotOutput"],
    };

    private readonly string[][] _floors;
    private readonly Dictionary<string, int> _levels = [];

    public Floors(string[][] floors)
    {
        _floors = floors;
        for (int level = 0; level < floors.Length; level++)
        {
            foreach (string room in floors[level])
                _levels.Add(room, level);
        }
    }

    /// <summary>All uses that go up, or to another room of the same floor, or come from a type that is on no floor.</summary>
    public IReadOnlyList<string> Violations(SortedDictionary<string, SortedSet<string>> uses)
    {
        List<string> violations = [];
        foreach ((string user, SortedSet<string> used) in uses)
        {
            if (LevelOf(user) is not { } level)
            {
                violations.Add($"{user} is on no floor");
                continue;
            }
            foreach (string type in used)
            {
                if (LevelOf(type) is { } other && (other > level || other == level && RoomOf(type) != RoomOf(user)))
                    violations.Add($"{user} ({RoomOf(user)}) uses {type} ({RoomOf(type)})");
            }
        }
        return violations;
    }

    private int? LevelOf(string type) => _levels.TryGetValue(RoomOf(type), out int level) ? level : null;

    private string RoomOf(string type)
    {
        int dot = type.LastIndexOf('.');
        string space = type[..dot];
        string name = type[(dot + 1)..];
        if (space != "PageFold")
        {
            // A namespace that is on no floor itself is a part of the room that it lies in.
            string room = space;
            while (!_levels.ContainsKey(room) && room.Contains('.'))
                room = room[..room.LastIndexOf('.')];
            return _levels.ContainsKey(room) ? room : space;
        }
        return PublicTypes.FirstOrDefault(room => room.Value.Contains(name)).Key ?? "Front";
    }
}
