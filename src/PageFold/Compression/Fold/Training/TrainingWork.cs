using PageFold.Frames;

namespace PageFold.Compression.Fold.Training;

/// <summary>What the steps of a training share: the memory they work in, whether it goes on, and how far it is.</summary>
/// <remarks>Used by one thread. Steps allocate next to nothing on the GC heap, so what is charged is what the process grows by.</remarks>
internal sealed class TrainingWork
{
    private const double LeastStep = 0.01;

    private readonly IProgress<double>? _progress;
    private readonly double _from;
    private readonly double _to;
    private double _told;

    /// <param name="memory">What the steps work in.</param>
    /// <param name="progress">Receives how far the training is, 0 to 1; null for none.</param>
    /// <param name="cancellation">Ends it.</param>
    public TrainingWork(BorrowedMemory memory, IProgress<double>? progress, CancellationToken cancellation)
        : this(memory, progress, 0, 1, cancellation)
    {
    }

    private TrainingWork(BorrowedMemory memory, IProgress<double>? progress, double from, double to, CancellationToken cancellation)
    {
        (Memory, Cancellation) = (memory, cancellation);
        (_progress, _from, _to, _told) = (progress, from, to, from);
    }

    /// <summary>What the steps work in.</summary>
    public BorrowedMemory Memory { get; }

    /// <summary>Ends the training.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Returns the work of a part of this one's steps.</summary>
    /// <param name="from">How much of this work is done when the part begins, 0 to 1.</param>
    /// <param name="to">How much is done when it ends.</param>
    public TrainingWork Part(double from, double to) =>
        new(Memory, _progress, _from + from * (_to - _from), _from + to * (_to - _from), Cancellation);

    /// <summary>Ends the training if it is cancelled. Steps call it every few milliseconds.</summary>
    public void Check() => Cancellation.ThrowIfCancellationRequested();

    /// <summary>Tells how far the work is, 0 to 1, and ends the training if it is cancelled.</summary>
    public void Tell(double share)
    {
        Check();
        double all = _from + share * (_to - _from);
        if (_progress is null || all < _told + LeastStep)
            return;
        _told = all;
        _progress.Report(all);
    }
}
