using System.Globalization;
using System.Numerics;
using System.Text;

namespace PageFold.Testing;

/// <summary>
/// Decides whether the history of one register, such as a page or a key, is linearizable: whether each operation can be given one moment
/// between its beginning and its end, so that every read returns what the last write or discard before it left.
/// </summary>
/// <remarks>
/// <para>
/// The register is absent at first. For registers whose writes are all different Gibbons and Korach decide this by the zones of the
/// values ("Testing shared memories", 1997). Discards are not different from one another, and then that question is hard in general. Here
/// the number of threads is small, so the check keeps every state in which the register can be (after Lowe, "Testing for linearizability",
/// 2017): the value, and which of the operations under way have had their moment. When an operation ends, all states in which it has not
/// had its moment are extended until it has; states that cannot be are dropped. If none is left, no order explains the history. The check
/// is exact, and costs at most the operations times two to the number of operations under way.
/// </para>
/// <para>A register that can lose its value, as a cache's key by eviction, may become absent at any moment.</para>
/// <para>An operation that ends at the timestamp at which another begins counts as under way with it.</para>
/// </remarks>
internal sealed class RegisterCheck
{
    private const int MaxShown = 60;

    private readonly RegisterOperation[] _history;
    private readonly bool _canLose;
    private readonly List<int> _active = [];
    private HashSet<(uint Done, long Value)> _states = [(0, RegisterOperation.Absent)];
    private uint _slotsInUse;
    private readonly int[] _slots;

    private RegisterCheck(IEnumerable<RegisterOperation> history, bool canLose)
    {
        _canLose = canLose;
        _history = [.. history.OrderBy(operation => operation.Begun)];
        _slots = new int[_history.Length];
    }

    /// <summary>Reads that were under way together with a write or discard.</summary>
    public long Conflicts { get; private set; }

    /// <summary>What no order explains, with the operations around it; null if the history is linearizable.</summary>
    public string? Problem { get; private set; }

    /// <summary>Checks the history of one register.</summary>
    public static RegisterCheck Run(IEnumerable<RegisterOperation> history, bool canLose = false)
    {
        RegisterCheck check = new(history, canLose);
        check.Run();
        return check;
    }

    private void Run()
    {
        for (int next = 0; next < _history.Length; next++)
        {
            if (!TryRetire(_history[next].Begun))
                return;
            if (_active.Exists(other => _history[other].IsRead != _history[next].IsRead))
                Conflicts++;
            _slots[next] = BitOperations.TrailingZeroCount(~_slotsInUse);
            Assert.True(_slots[next] < 32, "More than 32 operations on one register are under way at once.");
            _slotsInUse |= 1u << _slots[next];
            _active.Add(next);
        }
        TryRetire(long.MaxValue);
    }

    /// <summary>Ends all operations that ended before a moment, in the order of their ends; false if one of them had no moment.</summary>
    private bool TryRetire(long before)
    {
        while (_active.Count > 0)
        {
            int first = _active.MinBy(operation => _history[operation].Ended);
            if (_history[first].Ended >= before)
                return true;
            Retire(first);
            if (_states.Count == 0)
            {
                Problem = Describe(first);
                return false;
            }
            _active.Remove(first);
            _slotsInUse &= ~(1u << _slots[first]);
        }
        return true;
    }

    private void Retire(int ending)
    {
        uint bit = 1u << _slots[ending];
        HashSet<(uint Done, long Value)> seen = [.. _states];
        HashSet<(uint Done, long Value)> left = [];
        Stack<(uint Done, long Value)> open = new(_states);
        while (open.TryPop(out (uint Done, long Value) state))
        {
            if ((state.Done & bit) != 0)
            {
                left.Add((state.Done & ~bit, state.Value));
                continue;
            }
            if (_canLose && seen.Add((state.Done, RegisterOperation.Absent)))
                open.Push((state.Done, RegisterOperation.Absent));
            foreach (int candidate in _active)
            {
                RegisterOperation operation = _history[candidate];
                uint own = 1u << _slots[candidate];
                if ((state.Done & own) != 0 || operation.IsRead && operation.Version != state.Value)
                    continue;
                (uint, long) after = (state.Done | own, operation.Version);
                if (seen.Add(after))
                    open.Push(after);
            }
        }
        _states = left;
    }

    /// <summary>The operation that has no moment, the last operations that ended before it, and all that were under way with it.</summary>
    private string Describe(int failed)
    {
        RegisterOperation culprit = _history[failed];
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"No order explains: {culprit}.");
        foreach (RegisterOperation source in _history.Where(operation => !operation.IsRead && operation.Version == culprit.Version)
            .TakeLast(3))
            text.Append(CultureInfo.InvariantCulture, $"\n  that version comes from {source}");
        RegisterOperation[] around = [.. _history.Where(operation => operation.Begun <= culprit.Ended)
            .OrderBy(operation => operation.Ended)];
        text.Append(CultureInfo.InvariantCulture,
            $"\n  the last {Math.Min(MaxShown, around.Length)} of {around.Length} operations up to its end:");
        foreach (RegisterOperation operation in around.TakeLast(MaxShown))
            text.Append(CultureInfo.InvariantCulture, $"\n  {operation}{(operation == culprit ? "   <--" : "")}");
        return text.ToString();
    }
}
