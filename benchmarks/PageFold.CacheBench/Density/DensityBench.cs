using PageFold.CacheBench.Subjects;
using PageFold.Cli;

namespace PageFold.CacheBench.Density;

/// <summary>Compares caches by the entries that they hold in the same resident memory, each in a process of its own.</summary>
/// <remarks>
/// MemoryCache comes first. A cache that limits its memory is given as much as MemoryCache took, and filled until it holds no more; others
/// get as many entries.
/// </remarks>
internal sealed class DensityBench(DensityOptions options, WorkProgress progress, CancellationToken cancellation)
{
    private const string Baseline = "memorycache";

    private const int BytesPerGiB = 1 << 30;

    private readonly List<string> _notes = [];

    public DensityReport Execute()
    {
        DensityFigures first = Measure(SubjectKind.Of(Baseline), null)
            ?? throw new UserErrorException($"nothing to compare with: {_notes[0]}; choose fewer --entries.");
        List<DensityRow> rows = [];
        foreach (SubjectKind kind in options.Subjects)
        {
            DensityFigures? figures = kind.Name == Baseline ? first : Measure(kind, kind.LimitsMemory ? first.ResidentBytes : null);
            if (figures is not null)
            {
                double density = Density(figures);
                rows.Add(new DensityRow(kind.Name, figures.Entries, figures.ResidentBytes, density, density / Density(first)));
            }
        }
        long times = rows.Select(row => row.Entries).DefaultIfEmpty().Max() / first.DistinctValues;
        if (times > 1)
            _notes.Add($"there are {first.DistinctValues} distinct values, so that each was stored up to {times + 1} times");
        return new DensityReport
        {
            Values = options.ValuesFile ?? "generated",
            DistinctValues = first.DistinctValues,
            ValueBytes = first.ValueBytes,
            Notes = _notes,
            Rows = rows,
        };
    }

    private static double Density(DensityFigures figures) => (double)figures.Entries * BytesPerGiB / Math.Max(1, figures.ResidentBytes);

    private DensityFigures? Measure(SubjectKind kind, long? memory)
    {
        progress.Begin(kind.Name, 1);
        DensityFigures? figures = ChildProcess.Run(
            "density",
            new DensityRequest(kind.Name, options.Entries, memory, options.ValuesFile, options.Seed),
            DensityJson.Default.DensityRequest,
            DensityJson.Default.DensityFigures,
            new Dictionary<string, string> { ["DOTNET_gcServer"] = "0" },
            out string reason,
            cancellation);
        if (figures is null)
            _notes.Add($"{kind.Name} was not measured: {reason}");
        progress.Add(1);
        return figures;
    }
}
