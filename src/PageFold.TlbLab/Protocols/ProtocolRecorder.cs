using PageFold.Mapping;

namespace PageFold.TlbLab;

/// <summary>Runs the protocol that the pool uses and records its operations on the page tables.</summary>
internal readonly struct ProtocolRecorder(List<ProtocolStep> steps) : IPageTablePort
{
    /// <summary>Records the pool's own protocol, with accesses to both pages between mapping and unmapping.</summary>
    public static Protocol Record(string name, string description)
    {
        List<ProtocolStep> steps = [];
        ProtocolRecorder port = new(steps);
        WindowProtocol.TryMap(ref port, first: 0, second: 1);
        steps.Add(new ProtocolStep(Operation.Access));
        steps.Add(new ProtocolStep(Operation.Access, 1));
        WindowProtocol.Unmap(ref port);
        return new Protocol(name, description, steps);
    }

    public bool TryTakeWindow()
    {
        steps.Add(new ProtocolStep(Operation.TakeWindow));
        return true;
    }

    public void ReturnWindow() => steps.Add(new ProtocolStep(Operation.ReturnWindow));

    public void PreemptDisable() => steps.Add(new ProtocolStep(Operation.PreemptDisable));

    public void PreemptEnable() => steps.Add(new ProtocolStep(Operation.PreemptEnable));

    public void EnterLazyMmu() => steps.Add(new ProtocolStep(Operation.EnterLazyMmu));

    public void LeaveLazyMmu() => steps.Add(new ProtocolStep(Operation.LeaveLazyMmu));

    public void Set(int page, uint frame) => steps.Add(new ProtocolStep(Operation.Set, page));

    public void GetAndClear(int page) => steps.Add(new ProtocolStep(Operation.GetAndClear, page));

    public void FlushLocal(int page) => steps.Add(new ProtocolStep(Operation.FlushLocal, page));

    public void FlushRange() => steps.Add(new ProtocolStep(Operation.FlushRange));
}
